import carla
import numpy as np
import pytest

from hazardsim.taxonomy import (
    ANOMALY_TAG,
    CLASSES,
    STREET_HAZARDS_COLOURS,
    STREET_HAZARDS_NAMES,
    TAG,
    street_hazards_from_tags,
)


def test_tags_are_those_of_the_installed_client():
    theirs = {name: int(value) for name, value in carla.CityObjectLabel.names.items() if name != "Any"}
    assert theirs == TAG


def test_only_the_anomaly_tag_becomes_an_anomaly():
    raw = street_hazards_from_tags(np.arange(len(CLASSES), dtype=np.uint8)[None])[0]
    assert set(np.flatnonzero(raw == 14)) == {ANOMALY_TAG}
    assert set(raw) == set(range(1, 15))
    assert raw.min() >= 1


def test_a_tag_outside_the_table_is_refused():
    with pytest.raises(ValueError, match="29"):
        street_hazards_from_tags(np.array([[29]], dtype=np.uint8))


def test_every_class_has_a_name_and_a_colour():
    assert len(STREET_HAZARDS_NAMES) == len(STREET_HAZARDS_COLOURS) == 14
    assert len(set(STREET_HAZARDS_COLOURS)) == 14
