"""Tests of `vroeg_pipeline.front_desk`."""
