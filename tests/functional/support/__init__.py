"""What the tests of the real binary stand on: platforms on scratch engines, a client, SQL."""
