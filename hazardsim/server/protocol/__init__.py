"""The wire: framing, structs, remote calls, streams."""
