"""Tests of `vroeg_pipeline.feedback`."""
