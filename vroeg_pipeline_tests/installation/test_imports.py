"""What is kept out, and comes back when it is used."""

import subprocess
import sys

_PARAMETER = "import sys, duckdb; from vroeg_pipeline.installation.imports import bring_back, kept_out\n"


def _said(code: str) -> str:
    return subprocess.run([sys.executable, "-c", _PARAMETER + code], capture_output=True, text=True, check=True).stdout


def test_a_parameter_imports_no_pandas_where_it_is_kept_out() -> None:
    asked = "print(duckdb.execute('SELECT ?', [[1, 2]]).fetchone(), 'pandas' in sys.modules)"
    assert _said(asked) == "([1, 2],) True\n", "this is what DuckDB does by itself"
    assert _said(f"with kept_out('pandas'):\n  {asked}\n  print(sys.modules['pandas'])") == "([1, 2],) True\nNone\n"


def test_who_uses_it_has_it() -> None:
    frame = "import pandas; print(duckdb.execute('FROM frame').fetchone())"
    used = f"with kept_out('pandas'):\n  duckdb.execute('SELECT ?', [1]); bring_back('pandas'); {frame}"
    assert _said(used.replace("print", "frame = pandas.DataFrame({'a': [1, 2]}); print")) == "(1,)\n"
    assert _said("with kept_out('pandas'):\n  pass\nimport pandas; print(pandas.isna(None))") == "True\n"
