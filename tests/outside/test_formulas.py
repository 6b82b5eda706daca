"""All formulas of the data set; `make test` looks at every eighth."""

import pytest

from tests.wiki.documented_formulas import MOST_UNSET, check, formulas

pytestmark = pytest.mark.outside


def test_all_formulas_of_documentation_are_set(capsys):
    sample = list(formulas())
    unset = check(sample)
    with capsys.disabled():
        print(f"\n{len(sample) - len(unset)} of {len(sample)} formulas set")
    assert len(sample) == 4352 and len(unset) <= MOST_UNSET * len(sample)
    assert not [tex for source, tex in unset if source.startswith("labml")]
