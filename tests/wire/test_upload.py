#!/usr/bin/env python3
"""What wbsync uploads is what was logged, value for value, and it uploads it once."""
from harness import *


def test_rows_config_and_end_on_the_server_equal_what_was_logged():
    with scratch() as home, Server() as server:
        fields = ["group=g1", "job_type=train", "name=first run", "notes=some notes", 'tags=["a","b"]', "host=node7",
                  "program=train.py"]
        config = ['lr=0.1', 'nested={"a":[1,2],"b":NaN}']
        make_journal(home, "one", 100, stride=5, exit_code=3, field=fields, config=config, rotate=30)
        done = sync(server, home)
        assert done.code == 0, done
        run = server.run("one")
        assert check_history(run, 100, stride=5) == 100
        assert run["fields"] == {"displayName": "first run", "groupName": "g1", "jobType": "train", "notes": "some notes",
                                 "tags": ["a", "b"], "host": "node7", "jobProgram": "train.py"}, run["fields"]
        assert run["config"]["lr"] == {"value": 0.1}
        assert run["config"]["nested"] == {"value": {"a": [1, 2], "b": None}}
        assert (run["state"], run["exitcode"]) == ("failed", 3)
        last = expected_row(99, stride=5)
        for key in ("m0", "m1", "m2", "i", "flag", "text"):
            assert run["summary"][key] == last[key], key
        assert run["summary"]["_step"] == 495 and "runtime" in run["summary"]["_wandb"]
        assert len(server.log("file_stream")) == 1 and len(server.log("graphql")) == 1


if __name__ == "__main__":
    main(globals())
