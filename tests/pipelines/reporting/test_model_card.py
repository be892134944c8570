from mayo_kedro.pipelines.reporting.page.model_card import describe_search


def test_the_card_tells_how_the_settings_were_searched_for():
    choice = {"settings": {"dropout": 0.3, "frozen_learning_rate": 0.002}, "loss": 0.5, "best_trial": 2}
    summary = {"search": {"fold_0": choice | {"trials": 3}, "fold_1": choice | {"trials": 3}}}
    told = describe_search(summary)["Settings"]
    assert "best of 3 trials by validation patients" in told
    assert told.endswith("Searched: dropout and frozen learning rate")


def test_it_tells_nothing_of_a_search_that_there_was_not():
    assert describe_search({"search": {}}) == describe_search({}) == {}
