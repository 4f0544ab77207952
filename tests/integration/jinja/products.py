"""Templates by the thousand: every filter, test, operator and method with many values, in a fixed order."""

VALUES = [
    "0", "1", "-7", "42", "12345678901234567", "3.0", "-2.5", "0.1", "1e16", "1.5e-7", "true", "false", "none",
    "''", "'ab'", "'Hello wORLD'", "'  pad  '", "'a,b;c'", "'42'", "'-3.7'", "'0x1f'", "'é✈Z'", "'<b>&amp;</b> x'", "\"it's\"",
    "'l1\\nl2\\n\\n  l3'", "'the quick-brown fox jumps over'", "'http://example.org/a?b=c d'",
    "[]", "[3, 1, 2]", "['b', 'A', 'a', 'c']", "[1, 'x', none]", "[[2, 'b'], [1, 'a']]", "(1, 2)", "()",
    "{}", "{'b': 1, 'a': 2}", "{'k': [1, {'z': none}], 'A': 'x'}", "[{'k': 'b', 'n': 2}, {'k': 'a', 'n': 1}]", 
    "params.states", "params.rows", "params.unicode", "ds", "macros.timedelta(days=1, hours=2)", "[1.5, 2, true]",
]
FILTERS = [
    "abs", "attr('x')", "batch(2)", "batch(3, 'x')", "capitalize", "center", "center(9)", "count", "d('x')", "default('x', true)",
    "dictsort", "dictsort(true)", "dictsort(false, 'value', true)", "e", "escape", "filesizeformat", "filesizeformat(true)", "first",
    "float", "float(1.5)", "forceescape", "format('x')", "groupby('k')", "groupby(0)", "indent", "indent(2, true, true)",
    "indent('>')", "int", "int(9)", "int(0, 16)", "items", "join", "join('-')", "join(', ', 'k')", "last", "length", "list", "lower",
    "map('upper')", "map(attribute='k')", "map(attribute=0)", "map('default', 'z')", "map('int')", "max", "max(attribute='n')", "min",
    "min(case_sensitive=true)", "pprint", "reject('none')", "rejectattr('k', 'eq', 'a')", "replace('a', 'X')", "replace('', '.')",
    "replace('l', 'L', 1)", "reverse", "round", "round(1)", "round(-1, 'floor')", "round(0, 'ceil')", "safe", "select",
    "select('string')", "select('gt', 1)", "selectattr('n')", "selectattr('n', '>', 1)", "slice(2)", "slice(3, 'x')", "sort",
    "sort(true)", "sort(reverse=true, case_sensitive=true)", "sort(attribute='n')", "string", "striptags", "sum", "sum(start=5)",
    "sum('n')", "title", "tojson", "tojson(indent=2)", "trim", "trim('a ')", "truncate(5)", "truncate(8, true)",
    "truncate(8, false, '~')", "truncate(5, true, '', 0)", "unique", "unique(true)", "unique(attribute='k')", "upper", "urlencode", "urlize", "urlize(12, true, '_top')",
    "wordcount", "wordwrap(8)", "wordwrap(4, false)", "wordwrap(9, wrapstring='|')", "xmlattr", "xmlattr(false)",
]
TESTS = [
    "boolean", "callable", "defined", "divisibleby(3)", "eq(1)", "equalto('a')", "escaped", "even", "false", "filter", "float",
    "ge(2)", "gt(2)", "greaterthan(2)", "in([1, 'a', 2])", "integer", "iterable", "le(1)", "lessthan(3)", "lower", "lt('b')",
    "mapping", "ne(1)", "none", "number", "odd", "sameas(none)", "sequence", "string", "test", "true", "undefined", "upper",
]
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
OPERANDS = ["0", "2", "-3", "2.5", "true", "none", "''", "'ab'", "'%s'", "[1, 2]", "(1,)", "{'a': 1}", "'a'", "macros.timedelta(hours=1)",
            "logical_date"]
METHODS = [
    "capitalize()", "casefold()", "center(9)", "center(8, '*')", "count('a')", "count('')", "endswith('a')", "endswith(('b', 'D'))",
    "expandtabs(4)", "find('b')", "find('a', 1)", "format(1, 2)", "index('a')", "isalnum()", "isalpha()", "isascii()", "isdecimal()", "isdigit()",
    "isidentifier()", "islower()", "isnumeric()", "isprintable()", "isspace()", "istitle()", "isupper()", "join(['x', 'y'])",
    "ljust(8)", "ljust(8, '.')", "lower()", "lstrip()", "lstrip('ab ')", "partition('b')", "partition(' ')", "removeprefix('a')",
    "removesuffix('b')", "replace('a', 'bb')", "replace('', '-')", "replace('a', '', 1)", "rfind('a')", "rindex('a')", "rjust(8)", "rpartition(' ')",
    "rsplit()", "rsplit('b', 1)", "rsplit(' ', 1)", "rstrip()", "split()", "split('b')", "split(' ', 1)", "split(none, 1)", "splitlines()",
    "splitlines(true)", "startswith('a')", "startswith('b', 1)", "strip()", "strip('abD')", "swapcase()", "title()", "upper()", "zfill(7)",
]
TEXTS = ["''", "'a'", "'abcab'", "' Ab bA '", "'a b\\tc\\nD'", "'-42'", "'éÉ'", "'{} {1}'", "'aXbXc def'", "'line\\r\\nnext'", "'Title Case'"]
SLICES = ["[0]", "[-1]", "[9]", "[1:]", "[:-1]", "[::2]", "[::-1]", "[5:1:-2]", "[-2:9]", "['a']", ".a", "[1:2:0]", "[none:none]", "[true]", "[1.0]"]
CONVERSIONS = ["%s", "%r", "%d", "%i", "%05d", "%+d", "% d", "%-6d|", "%x", "%X", "%#x", "%o", "%e", "%.2e", "%f", "%.1f", "%8.3f|", "%-8.2f|",
               "%g", "%G", "%.3g", "%c", "%5s|", "%-5s|", "%.2s", "%%", "%5%", "%(a)s"]
SPECS = ["", "d", "5d", "<5", ">5", "^5", "*^7", "+d", " d", "05d", ",", "_", "x", "#x", "X", "b", "o", "e", ".2e", "f", ".1f", "08.3f", "g", ".3g",
         "%", ".1%", "s", ".2", "10.3", "=+6", "c", "n"]
NUMBERS = ["0", "42", "-7", "1234567", "3.14159", "-0.5", "1e10", "2.675", "'ab'", "true", "none", "1e-5", "100.0"]
STRFTIME = ["%Y", "%m", "%d", "%H", "%M", "%S", "%f", "%y", "%j", "%a", "%A", "%b", "%B", "%p", "%I", "%U", "%W", "%w", "%V", "%G", "%u", "%z", "%%",
            "%Z", "%x", "%X", "%c", "%D", "%F", "%T", "%R", "%e", "%s"]


def templates():
    for value in VALUES:
        yield "{{ %s }}" % value
        yield "{{ [%s] }}" % value
        yield "{{ -%s }} {{ not %s }}" % (value, value)
        for name in FILTERS:
            yield "{{ (%s) | %s }}" % (value, name)
        for name in TESTS:
            yield "{{ %s is %s }}" % (value, name)
        for part in SLICES:
            yield "{{ (%s)%s }}" % (value, part)
        yield "{%% for x in %s %%}{{ loop.index }}{{ x }};{%% else %%}none{%% endfor %%}" % value
    for left in OPERANDS:
        for operator in OPERATORS:
            for right in OPERANDS:
                yield "{{ %s %s %s }}" % (left, operator, right)
    for text in TEXTS:
        for method in METHODS:
            yield "{{ %s.%s }}" % (text, method)
    for number in NUMBERS:
        for conversion in CONVERSIONS:
            yield "{{ '%s' | format(%s) }}" % (conversion, number)
        for spec in SPECS:
            yield "{{ '{:%s}'.format(%s) }}" % (spec, number)
        for digits in range(-2, 4):
            yield "{{ %s | round(%d) }}" % (number, digits)
    for directive in STRFTIME:
        yield "{{ logical_date.strftime('%s') }}" % directive
        yield "{{ macros.ds_format(ds, '%%Y-%%m-%%d', '%s') }}" % directive
