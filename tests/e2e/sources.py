# SPDX-License-Identifier: Apache-2.0
"""A piece of source code in each language, and the headings of the sections it is cut into."""

SAMPLES: dict[str, tuple[str, list[str]]] = {
    "c": (
        (
            "#include <stdio.h>\n\nstruct point {\n\tint x;\n};\n\n"
            "static const struct ops ops = {\n\t.read = 1,\n};\n\n"
            "/*\n * Begin.\n */\nint main(int argc, char **argv)\n{\n\tif (argc) {\n\t}\n}\n\n"
            "static void\nother(void)\n{\n}\n"
        ),
        ["", "point", "", "main", "other"],
    ),
    "cpp": (
        (
            "namespace a {\ntemplate <typename T>\nclass Foo : public Bar<T> {\n public:\n"
            "  Foo(int a) : a_{a}, b_(2) { begin(); }\n  bool operator==(const Foo& o) const {\n"
            "    return true;\n  }\n  int last = 1;\n};\n\nvoid Foo::bar(int x) const noexcept {\n"
            "  auto f = [&](int y) { return y; };\n}\n}  // namespace a\nint after;\n"
        ),
        ["a", "a > Foo", "a > Foo > Foo", "a > Foo > operator==", "a > Foo", "a > Foo::bar", ""],
    ),
    "csharp": (
        (
            "namespace A\n{\n  [Serializable]\n  public class Foo : Bar\n  {\n"
            "    public int X { get; }\n"
            '    [Test("x")]\n    public void Go(string a = @"c:\\") { if (a) { } }\n  }\n}\n'
        ),
        ["A", "A > Foo", "A > Foo > Go"],
    ),
    "dart": (
        (
            "class Foo extends Bar {\n  Foo(this.a);\n  @override\n  Widget build(Context c) {\n"
            "    return Text('}');\n  }\n}\nvoid main() { run(() { }); }\n"
        ),
        ["Foo", "Foo > build", "main"],
    ),
    "go": (
        (
            "package x\n\n// T is a type.\ntype T struct {\n\ta int\n}\n\n// Get returns { a }.\n"
            "func (t *T) Get(x map[string]interface{}) int {\n"
            "\tif t.a > 0 {\n\t}\n\treturn 0\n}\n\n"
            'var z = map[string]int{"a": 1}\n\nfunc main() { fmt.Println(`{`) }\n'
        ),
        ["", "T", "Get", "", "main"],
    ),
    "java": (
        (
            'package a;\n\n/** A service. */\n@Service("x")\npublic class Foo<T> implements Baz {\n'
            "  private static final int[] X = {1, 2};\n\n  @Override\n"
            "  public <U> Map<String, U> get(String a) throws IOException {\n"
            "    if (a == null) { throw new X(); }\n  }\n\n  public Foo() { this(1); }\n"
            "  enum Kind { A, B }\n}\n"
        ),
        ["", "Foo", "Foo > get", "Foo > Foo", "Foo > Kind"],
    ),
    "javascript": (
        (
            'import x from "y";\n\nexport class Foo extends Bar {\n  constructor(a, b = {}) { }\n'
            "  async *go({ a }) {\n    if (a) { return; }\n  }\n"
            "  done = (e) => { this.x = 2; };\n}\n\n"
            "const f = async (a) => {\n  return a;\n};\nexports.g = function () { };\n"
            "export default function main(a) { }\nrun();\n"
        ),
        ["", "Foo", "Foo > constructor", "Foo > go", "Foo > done", "f", "exports.g", "main", ""],
    ),
    "kotlin": (
        (
            "package a\n\ndata class Foo(val a: Int) : Bar() {\n  override fun go(x: Int): Int {\n"
            '    return "${x} {".length\n  }\n}\nfun <T> List<T>.second(): T { return this[1] }\n'
        ),
        ["", "Foo", "Foo > go", "List<T>.second"],
    ),
    "lua": (
        (
            "local M = {}\n-- Adds.\nfunction M.add(a, b)\n  return a + b\nend\n"
            "local function help() end\nreturn M\n"
        ),
        ["", "M.add", "help"],
    ),
    "perl": (
        "package Foo;\nuse strict;\n\n# Adds.\nsub add {\n  return 1;\n}\n",
        ["Foo", "add"],
    ),
    "php": (
        (
            "<?php\nnamespace A;\n\n/** A class. */\nfinal class Foo extends Bar {\n"
            "  public function go($a = '}') { if ($a) { } }\n}\nfunction help() { }\n"
        ),
        ["", "Foo", "Foo > go", "help"],
    ),
    "ruby": (
        (
            "require 'x'\nmodule A\n  # A class.\n  class B < C\n    def go!\n    end\n\n"
            "    def self.make(a)\n    end\n  end\nend\n"
        ),
        ["", "A", "A > B", "A > B > go!", "A > B > self.make"],
    ),
    "rust": (
        (
            "use std::io;\n\n/// A point.\n#[derive(Debug)]\n"
            "pub struct Point<'a> { x: &'a str }\n\n"
            "impl<'a> fmt::Display for Point<'a> where Self: Sized {\n    /// Make.\n"
            "    pub fn new(x: &'a str) -> Self { Point { x } }\n"
            '    pub(crate) async fn go(&self) -> Result<(), io::Error> {\n        let s = "two {\n'
            "lines\"; let c = '{';\n        Ok(())\n    }\n}\n\nmod tests {\n    #[test]\n"
            "    fn t() {}\n}\n"
        ),
        [
            "",
            "Point",
            "impl fmt::Display for Point",
            "impl fmt::Display for Point > new",
            "impl fmt::Display for Point > go",
            "tests",
            "tests > t",
        ],
    ),
    "scala": (
        (
            "package a\n\ncase class Foo(a: Int) {\n  def go(x: Int): Int = {\n    x\n  }\n}\n"
            "object Foo {\n  def make() = { 1 }\n}\n"
        ),
        ["", "Foo", "Foo > go", "Foo", "Foo > make"],
    ),
    "shell": (
        "#!/bin/sh\n\n# Say hello.\nhello() {\n  echo hi\n}\n\nfunction bye {\n  echo\n}\n",
        ["", "hello", "bye"],
    ),
    "sql": (
        (
            "-- People.\nCREATE TABLE people (\n  id INTEGER\n);\n"
            "create or replace view grown as select 1;\n"
        ),
        ["people", "grown"],
    ),
    "swift": (
        (
            "import A\n\npublic struct Foo: Bar {\n  init(a: Int) { }\n"
            "  @objc func go(x: Int) -> Int {\n    return 1\n  }\n}\n"
        ),
        ["", "Foo", "Foo > init", "Foo > go"],
    ),
    "typescript": (
        (
            "export interface Shape { a: string }\n\n/** A class. */\nexport class Foo<T> {\n"
            "  private x = 1\n  constructor(private a: string) { }\n  @Input()\n"
            "  async get(a: { b: string }): Promise<void> {\n    if (a) { return; }\n  }\n}\n\n"
            "export const f = (a: number): number => {\n  return a;\n};\n"
            'describe("x", () => {\n  function help(a) { return a }\n});\n'
        ),
        ["Shape", "Foo", "Foo > constructor", "Foo > get", "f", "", "help"],
    ),
}
