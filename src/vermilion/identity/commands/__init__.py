"""The verbs of identity: functions on a transaction, one file for each thing they change."""
