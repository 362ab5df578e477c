/* The revocation protocol, for SPIN. README.md says what is modelled, what is not, and what each switch showed.

   Worker 0 runs the revocation of the credential that is followed here; the others are members that it must reach.
   A second revoker, of another credential, works beside it. One tick of the clock lets every timer run down by one; it
   may come between any two steps, so every step may take any time. Exactly one of SQLITE and POSTGRES is defined, and
   BYTES or COMMITS or both. Every other name in an #ifdef is a mechanism taken out or put in the wrong order. */

#ifndef N
#define N 2             /* workers */
#endif
#ifndef LEASE
#define LEASE 1
#endif
#define WATCHDOG (LEASE + 1)
#define LIMIT (LEASE + 2)
#define OFF 7

#define OTHER 0         /* the revoker of another credential */
#define FOLLOWED 1

/* A connection: new, registered under the credential, marked by a cut, closed. */
#define FRESH 0
#define ATTACHED 1
#define MARKED 2
#define CLOSED 3

/* The database. */
bool dead;              /* the followed credential is revoked */
byte seq;               /* newest line of `cut` */
byte followed_seq;      /* the line of the followed credential */
bool shared[N];         /* PostgreSQL: its advisory lock is held by this worker's writer */
bool sent[N];           /* PostgreSQL: that writer's COMMIT is on its way, whatever happens to the worker */
byte mutex;             /* SQLite: who holds the writer mutex, plus one */
#ifdef PUBLISHED_UNLOCKED
bool half[N];           /* SQLite: the file stands there, its lock is not taken yet */
#endif
bool row[N];            /* the member is seen by revokers: its row, or its published file whose lock is taken */
byte acked[N];           /* what it has acknowledged */
bool moved[N];          /* its beat has moved since the other revoker looked */

/* The processes. */
bool alive[N];
bool healthy[N];
byte lease[N];
byte watchdog[N];
bool emptied[N];          /* everything was cut since the lease ended: nobody left has been served anything */
bool renewed[N];        /* the lease was renewed since the guard looked at it */
byte age[N];            /* ticks since the moment that was taken before the read */
byte connection[N];
bool buffer[N];         /* octets of an answer in the process */
bool queue[N];          /* octets in the kernel's send queue: they leave whatever the process does */

byte limit[2];          /* runs from a revoker's commit */
byte early;             /* PostgreSQL: runs from the followed revoker's look before its commit */
bool still[N];          /* this member's row was there then, and its beat has not moved since */
byte stale;             /* runs from the other revoker's look at the members */
bool over;              /* nothing can go wrong any more */
#ifdef SHORT
bool first_over;        /* the other revoker has ended: only then requests and the followed revocation begin */
#endif
bool returned;          /* revoke() of the followed credential has returned */

#ifdef DELETE_EARLY
#define unmoved_long_enough true
#else
#define unmoved_long_enough (stale == 0)
#endif

#define up(w) alive[w]

inline mark(w) {
    if :: connection[w] == ATTACHED -> connection[w] = MARKED :: else fi
}

inline drop(w) {        /* linger 0 and close: the kernel throws its queue away */
    if :: connection[w] == MARKED -> connection[w] = CLOSED; buffer[w] = 0; queue[w] = 0 :: else fi
}

inline die(w) {
    alive[w] = 0; healthy[w] = 0; watchdog[w] = OFF;
    connection[w] = CLOSED; buffer[w] = 0; queue[w] = 0;
    if :: mutex == w + 1 -> mutex = 0 :: else fi;
    if :: !sent[w] -> shared[w] = 0 :: else fi;
#ifdef SQLITE
    row[w] = 0;
#endif
#if N == 2 && !defined(COMMITS)
    over = 1
#endif
}

inline run_down(timer) {
    if :: timer > 0 && timer != OFF -> timer-- :: else fi
}

proctype Clock() provided (!over) {
    byte w;
    do
    :: atomic {
        w = 0;
        run_down(limit[OTHER]); run_down(limit[FOLLOWED]); run_down(stale); run_down(early);
        do
        :: w < N ->
            run_down(lease[w]); run_down(watchdog[w]);
            if :: age[w] < WATCHDOG -> age[w]++ :: else fi;
#ifndef NO_WATCHDOG
            if :: watchdog[w] == 0 -> die(w) :: else fi;
#endif
            w++
        :: else -> break
        od;
        w = 0
       }
    od
}

/* kill -9 */
proctype Killer(byte w) provided (!over) {
    atomic { alive[w] -> die(w) }
}

#ifdef BYTES
proctype Kernel(byte w) provided (!over) {
    do
    :: d_step { queue[w] -> assert(!returned); queue[w] = 0 }
    od
}

/* The event loop hands on what the application made; a marked connection is written to no more. */
proctype Loop(byte w) provided (!over) {
    do
    :: d_step { up(w) && buffer[w] -> buffer[w] = 0; queue[w] = 1 }
    od
}

proctype Request(byte w) provided (!over) {
#ifdef SHORT
    first_over;
#endif
next:
    atomic { up(w) && healthy[w] && connection[w] != MARKED ->
        if :: connection[w] == CLOSED -> connection[w] = FRESH :: else fi }
#ifndef ATTACH_LATE
    if
    :: d_step { up(w) && connection[w] <= ATTACHED -> connection[w] = ATTACHED }
    :: up(w) && connection[w] > ATTACHED -> goto next
    fi;
#endif
#ifndef HEALTH_FIRST
    if
    :: up(w) && !healthy[w] -> goto next
    :: up(w) && healthy[w]
    fi;
#endif
    if
    :: up(w) -> goto next              /* dead, or the database cannot be asked */
    :: up(w) && !dead
    fi;
#ifdef ATTACH_LATE
    if
    :: d_step { up(w) && connection[w] <= ATTACHED -> connection[w] = ATTACHED }
    :: up(w) && connection[w] > ATTACHED -> goto next
    fi;
#endif
    do
#ifdef NO_BUFFER
    :: d_step { up(w) && connection[w] == ATTACHED && !queue[w] -> queue[w] = 1 }
#else
    :: d_step { up(w) && connection[w] == ATTACHED && !buffer[w] -> buffer[w] = 1 }
#endif
    :: up(w) && connection[w] == ATTACHED -> goto next
    :: up(w) && connection[w] != ATTACHED -> goto next
    od
}
#endif

proctype Member(byte w) provided (!over) {
    byte place, new, hint;
join:
    /* Seen by revokers first; what makes the member healthy is a turn like any other. */
#if defined(SERVED_BEFORE_JOINED)
    atomic { up(w) -> age[w] = 0 }
    if :: d_step { up(w) -> place = seq } fi;
    d_step { up(w) && age[w] < LEASE -> watchdog[w] = WATCHDOG - age[w]; lease[w] = LEASE - age[w]; healthy[w] = 1 }
    d_step { up(w) -> row[w] = 1; moved[w] = 1 }
    goto turn;
#elif defined(PUBLISHED_UNLOCKED)
    atomic { up(w) -> half[w] = 1 }
    d_step { up(w) -> row[w] = half[w]; half[w] = 0 }
#else
    /* What was cut before it joins it is never told: it has nobody left to cut. */
    if :: d_step { up(w) -> place = seq } fi;
    atomic { up(w) -> row[w] = 1; moved[w] = 1; still[w] = 0; acked[w] = place }
#endif
#ifdef JOIN_RENEWS
    d_step { up(w) -> age[w] = 0 }
    d_step { up(w) -> new = seq; place = seq }
    goto acknowledge;
#endif
turn:
#ifdef POSTGRES
    /* A notification names a line: the next, or one after it because a notification got lost. */
    if
    :: d_step { up(w) && place + 1 <= seq -> hint = place + 1 }; goto hinted
    :: d_step { up(w) && place + 2 <= seq -> hint = place + 2 }; goto hinted
    :: up(w)
    fi;
#endif
#ifndef LEASE_LATE
    atomic { up(w) -> age[w] = 0 }
#endif
    if
#if defined(POSTGRES) && !defined(GONE_IGNORED)
    :: up(w) && !row[w] -> goto gone
    :: d_step { up(w) && row[w] -> new = seq; moved[w] = 1; still[w] = 0 }
#else
    :: d_step { up(w) -> new = seq; moved[w] = 1; still[w] = 0 }
#endif
    fi;
#ifdef LEASE_LATE
    d_step { up(w) -> age[w] = 0 }
#endif
#ifdef ACK_FIRST
    d_step { up(w) -> acked[w] = new }
#endif
carry_out:
    if
    :: place < followed_seq && followed_seq <= new && followed_seq != hint && !emptied[w] ->
        d_step { up(w) -> mark(w) }
        d_step { up(w) -> drop(w) }
    :: else
    fi;
    d_step { place = new; new = 0; hint = 0 }
acknowledge:
    if
    :: d_step { up(w) -> acked[w] = place }
    :: up(w)            /* the acknowledgement is lost */
    fi;
    /* A read that lasted longer than its lease renews nothing. */
#ifdef LEASE_BEFORE_WATCHDOG
    if
    :: d_step { up(w) && age[w] < LEASE -> lease[w] = LEASE - age[w]; healthy[w] = 1; emptied[w] = 0; renewed[w] = 1 }
       if
       :: d_step { up(w) && age[w] < WATCHDOG -> watchdog[w] = WATCHDOG - age[w] }
       :: up(w) && age[w] >= WATCHDOG
       fi
    :: up(w) && age[w] >= LEASE
    fi;
#else
    if
    :: d_step { up(w) && age[w] < LEASE ->
#ifndef EMPTY_STAYS
        emptied[w] = 0;
#endif
        watchdog[w] = WATCHDOG - age[w]; lease[w] = LEASE - age[w]; healthy[w] = 1; renewed[w] = 1; age[w] = WATCHDOG }
    :: up(w) && age[w] >= LEASE
    fi;
#endif
    goto turn;
#ifdef POSTGRES
hinted:
    /* It is carried out, and acknowledged by the statement that is the next read, if that sees no other line. */
    if
    :: hint == followed_seq && !emptied[w] ->
        d_step { up(w) -> mark(w) }
        d_step { up(w) -> drop(w) }
    :: else
    fi;
    atomic { up(w) -> age[w] = 0 }
    if
    :: d_step { up(w) && !row[w] -> hint = 0 }; goto gone
    :: d_step { up(w) && row[w] ->
        if
#ifdef HINT_TRUSTED
        :: true -> acked[w] = hint
#else
        :: hint == place + 1 -> acked[w] = hint
        :: else
#endif
        fi;
        new = seq; moved[w] = 1; still[w] = 0 }
    fi;
    goto carry_out;
#endif
gone:
    /* The guard cuts, unless it has. */
    atomic { up(w) -> healthy[w] = 0; lease[w] = 0 }
    d_step { up(w) && emptied[w] -> skip }
    goto join
}

proctype Guard(byte w) provided (!over) {
    do
    :: d_step { up(w) && watchdog[w] != OFF && lease[w] == 0 -> healthy[w] = 0; renewed[w] = 0 }
       if
       :: up(w) && !emptied[w] ->
           d_step { up(w) -> mark(w) }
           d_step { up(w) -> drop(w) }
       :: up(w) && emptied[w]
       fi;
#if defined(GUARD_ARMS_BLINDLY)
       d_step { up(w) -> if :: !renewed[w] -> emptied[w] = 1 :: else fi; watchdog[w] = WATCHDOG }
#elif defined(EMPTY_BLINDLY)
       d_step { up(w) -> if :: !renewed[w] -> watchdog[w] = WATCHDOG :: else fi; emptied[w] = 1 }
#else
       d_step { up(w) -> if :: !renewed[w] -> watchdog[w] = WATCHDOG; emptied[w] = 1 :: else fi }
#endif
    od
}

#ifdef COMMITS
proctype Writer(byte w) provided (!over) {
    bool live;
#ifdef SQLITE
    do
    ::
#ifdef CHECK_FIRST
        if :: up(w) -> live = !dead fi;
        d_step { up(w) && mutex == 0 -> mutex = w + 1 }
#else
        d_step { up(w) && mutex == 0 -> mutex = w + 1 }
        if :: up(w) -> live = !dead fi;
#endif
        d_step { up(w) -> if :: live -> assert(!returned) :: else fi; mutex = 0; live = 0 }
    od
#else
next:
    live = 0;
#ifdef ONE_STATEMENT
    /* The snapshot of a statement is taken before it waits for a lock. */
    if :: up(w) -> live = !dead fi;
    d_step { up(w) && !shared[w] -> shared[w] = 1 }
#else
    atomic { up(w) && !shared[w] -> shared[w] = 1 }
    if
    :: up(w) && shared[w] -> live = !dead
    :: up(w) && !shared[w] -> goto next
    fi;
#endif
    if
    :: d_step { up(w) && shared[w] && live -> sent[w] = 1 }
    :: d_step { up(w) && !live -> shared[w] = 0 }; goto next
    :: up(w) && !shared[w] -> goto next
    fi;
    d_step { sent[w] -> if :: shared[w] -> assert(!returned) :: else fi; shared[w] = 0; sent[w] = 0 }
    goto next
#endif
}
#endif

inline barrier(who) {
    w = 0;
#if defined(POSTGRES) && !defined(NO_BARRIER)
    do
    :: w < N ->
        if
        :: !shared[w]
        /* A writer that does not end in time has its session ended, which rolls it back. */
        :: d_step { limit[who] < LIMIT -> shared[w] = 0; sent[w] = 0 }
        fi;
        w++
    :: else -> break
    od;
    w = 0
#endif
}

inline own_cut() {
#ifdef HOME
    d_step { up(0) -> mark(0) }
    d_step { up(0) -> drop(0) }
#else
    skip
#endif
}

inline look(who) {
    d_step {
        w = 1;
#ifdef TWO_REVOKERS
        if :: who == OTHER -> stale = LIMIT :: else fi;
#endif
        do
        :: w < N -> waits[w] = row[w];
#ifdef PUBLISHED_UNLOCKED
            half[w] = 0;     /* taken for that of a dead member, and removed */
#endif
            if :: who == OTHER -> moved[w] = 0 :: else fi; w++
        :: else -> break
        od;
        w = 0
    }
}

proctype Revoker(byte who) provided (!over) {
    byte w, mine;
    bool waits[N];
#ifdef SHORT
    if :: who == OTHER || first_over fi;
#endif
#ifdef CUT_FIRST
    if :: who == FOLLOWED -> own_cut() :: else fi;
#endif
#ifdef LIST_FIRST
    look(who);
#endif
#if defined(POSTGRES) && !defined(TWO_REVOKERS)
    /* Locks of a member that has stopped may keep the commit waiting: that time counts. */
    d_step {
        w = 1; early = LIMIT;
        do :: w < N -> still[w] = row[w]; w++ :: else -> break od;
        w = 0
    }
#endif
    d_step { mutex == 0 ->
        seq++; mine = seq; limit[who] = LIMIT;
        if :: who == FOLLOWED -> dead = 1; followed_seq = seq :: else fi }
#ifndef CUT_FIRST
    if :: who == FOLLOWED -> own_cut() :: else fi;
#endif
#ifdef COMMITS
    if :: who == FOLLOWED -> barrier(who) :: else fi;
#endif
#ifndef LIST_FIRST
    look(who);
#endif
#ifndef NO_ACKNOWLEDGEMENT
    w = 1;
    do
    :: w < N ->
        if
        :: !waits[w] || acked[w] >= mine || limit[who] == 0
        /* Its end. For PostgreSQL this may be another revoker's doing. */
        :: waits[w] && !row[w]
#if defined(POSTGRES) && !defined(TWO_REVOKERS)
#ifdef STILL_BLINDLY
        :: d_step { waits[w] && early == 0 -> row[w] = 0 }
#elif defined(STILL_EARLY)
        :: d_step { waits[w] && still[w] -> row[w] = 0 }
#else
        :: d_step { waits[w] && early == 0 && still[w] -> row[w] = 0 }
#endif
#endif
        fi;
#ifdef POSTGRES
#ifdef DELETE_BLINDLY
        if :: who == OTHER && waits[w] && limit[who] == 0 && acked[w] < mine -> row[w] = 0 :: else fi;
#else
        if :: d_step { who == OTHER && waits[w] && limit[who] == 0 && acked[w] < mine && !moved[w] && unmoved_long_enough -> row[w] = 0 } :: else fi;
#endif
#endif
        w++
    :: else -> break
    od;
#endif
    atomic {
        limit[who] = 0;
        if :: who == OTHER -> stale = 0 :: else fi;
        w = 0;
        do :: w < N -> waits[w] = 0; if :: who == OTHER -> moved[w] = 1 :: else fi; w++ :: else -> break od;
        w = 0; mine = 0;
        if
        :: who == FOLLOWED -> returned = 1
#ifdef SHORT
        :: else -> first_over = 1
#else
        :: else
#endif
        fi
    }
}

#ifdef SECOND_LINE
/* A cut of somebody else, right behind the followed one: its notification may be the only one that comes. */
proctype Second() provided (!over) {
    d_step { dead -> seq++ }
}
#endif

init {
    byte w;
    atomic {
        w = 0;
        do
        :: w < N ->
            alive[w] = 1; watchdog[w] = OFF; emptied[w] = (w > 0);
#ifdef BYTES
            if
#ifndef HOME
            :: w == 0
#endif
            :: else -> run Request(w); run Kernel(w);
#ifndef NO_BUFFER
                run Loop(w)
#endif
            fi;
#endif
#ifdef COMMITS
            run Writer(w);
#endif
            if
            :: w == 0 -> healthy[w] = 1
            :: else -> run Killer(w)
#ifdef BYTES
                ; run Member(w); run Guard(w)
#endif
            fi;
            w++
        :: else -> break
        od;
        w = 0;
        run Clock(); run Revoker(FOLLOWED);
#ifdef TWO_REVOKERS
        run Revoker(OTHER)
#endif
#ifdef SECOND_LINE
        run Second()
#endif
    }
}
