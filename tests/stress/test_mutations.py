"""The texts that `mutations` replaces are where it looks for them (trying them all is `make stress-mutations`)."""

import pytest

from tests.stress.mutations import MUTATIONS, ROOT, Mutation, edited


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_the_mechanism_is_where_it_is_looked_for(mutation: Mutation) -> None:
    for edit in mutation.edits:
        assert edited(edit, ROOT) != (ROOT / edit.file).read_text()
