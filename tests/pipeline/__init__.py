"""The pipeline on a clock, a vendor and a database the tests move themselves."""
