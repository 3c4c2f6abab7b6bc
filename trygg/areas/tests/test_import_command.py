from io import StringIO

from django.core.management import CommandError, call_command

from trygg.areas.models import Area, Observation
from trygg.areas.tests.test_maps import SQUARES, geojson, in_degrees


def run(*args):
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command("import", *args, stdout=out, stderr=err)
    except CommandError as error:
        code = error.returncode
    return code, out.getvalue(), err.getvalue()


def test_the_command_line_tells_problems_and_fails(tiny, write, mapping, tmp_path):
    toml = str(tmp_path / "tiny.toml")
    good = str(write("area,all,young,old,median\n1111A0010,3,1,2,5\n", "good.csv"))
    bad = str(write("area,all,young,old,median\n1111A0010,x,1,2,5\n", "bad.csv"))

    code, out, err = run("indicators", good, bad, "--map", toml, "--dry-run")
    assert code == 1
    assert out.splitlines() == [
        "good.csv: 4 figures of 1 areas would be loaded.",
        "bad.csv: Nothing was loaded.",
    ]
    assert "bad.csv, line 2, column all: “x” is not a number." in err
    assert not Observation.objects.exists()

    assert run("indicators", good, "--map", toml)[:2] == (
        0,
        "good.csv: 4 figures of 1 areas were loaded as version 1.\n",
    )
    assert run("indicators", good, "--map", toml)[1] == "good.csv: Nothing new.\n"
    assert run("indicators", good)[0] == 2


def test_the_command_line_loads_a_map(db, tmp_path, write):
    toml = write(
        '[geography]\ncode = "nyko"\nkind = "nyko"\nname = "NYKO"\n'
        'valid_from = 2018-01-01\npublisher = "P"\nlicence = "CC0"\n',
        "m.toml",
    )
    path = write(geojson(in_degrees(SQUARES)), "t.geojson")

    assert run("areas", str(path), "--map", str(toml), "--dry-run")[1] == (
        "t.geojson: 2 areas would be added.\n"
    )
    assert not Area.objects.exists()
    assert run("areas", str(path), "--map", str(toml))[1] == (
        "t.geojson: 2 areas were added.\n"
    )
    assert run("areas", str(path), "--map", str(toml))[1] == (
        "t.geojson: 0 areas were added.\n"
    )
