"""Starting, watching and stopping the whole system on one machine."""
