"""The proof of the promise: clients under attack, revocations in the middle of it, faults, and oracles that count.

    python -m tests.stress --engine postgresql --workers 4 --nodes 2 --revocations 1000 --faults kill,stop --seed 7

`campaign` runs one configuration: `cluster` starts the gateways by their command line, `lane` (several processes) gives
out app passwords, lets `victims` use them and takes them away, `bystanders` use theirs all the while, `faults` does the
harm, `oracles` judge. `__main__` runs the configurations of a table, `test_short` a few small ones.
"""
