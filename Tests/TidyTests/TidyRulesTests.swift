import Testing

/// The rules themselves, on snippets: each can fail.
@Suite("Tidy rules") struct TidyRulesTests {
  static func messages(_ text: String, path: String = "Sources/Explorer/A.swift") -> [String] {
    TidyRules.check(path: path, text: text).map { "\($0.line): \($0.message)" }
  }

  @Test("a clean file has no offences") func clean() {
    let text = """
      import SpecLanguage

      struct A {
        // fatalError( in a comment, try! in a comment
        let text = "fatalError( in a string, x! in a string"
        func f(_ flag: Bool) -> Bool { !flag && 1 != 2 && g()?.h != nil }
      }
      """
    #expect(Self.messages(text) == [])
  }

  @Test("long files, lines and functions are found") func size() {
    let lines = Array(repeating: "// a", count: 401).joined(separator: "\n") + "\n"
    #expect(Self.messages(lines) == ["401: 401 lines; split it into Type+Aspect.swift at 400"])
    #expect(Self.messages(String(lines.dropFirst(5))) == [])
    let wide = "// " + String(repeating: "ä", count: 98)
    #expect(Self.messages(wide) == ["1: 101 columns; the limit is 100"])
    #expect(Self.messages(String(wide.dropLast())) == [])
    let body = String(repeating: "  f()\n", count: 69)
    #expect(Self.messages("func g() {\n\(body)}\n") == ["1: g has 71 lines; the limit is 70"])
    #expect(Self.messages("func g() {\n\(body.dropLast(6))}\n") == [])
    #expect(Self.messages("init(\n  a: Int\n) {\n\(body)}\n").count == 1)
    #expect(Self.messages("protocol P {\n  func g()\n\(body)}\n") == [])
  }

  @Test(
    "banned calls are found with what to write instead",
    arguments: [
      "fatalError(\"no\")", "try! f()", "x as! Int", "let y = x!", "f()!.g", "a[0]! + 1",
      "var x: Int!", "preconditionFailure()", "print(1)", "exit(1)", "\"\\(x!)\"",
      "String(format: \"%d\", 1)",
    ])
  func calls(snippet: String) {
    let found = Self.messages(snippet)
    #expect(found.count == 1)
    #expect(found.first?.contains("banned: ") == true)
    #expect(Self.messages(snippet, path: "Tests/ExplorerTests/A.swift") == [])
  }

  @Test(
    "what only looks like a banned call is not found",
    arguments: [
      "recorder.print(1)", "func print(_ x: Int) {}", "reprint(1)", "a!=b", "if !x {}",
      "#\"x!\"#", "\"\"\"\nx!\n\"\"\"", "/* a /* x! */ y! */", "f(!x)", "Outcome.exit(1)",
      "case exit(Int)",
    ])
  func innocent(snippet: String) {
    #expect(Self.messages(snippet) == [])
  }

  @Test("the command line may print") func commandLine() {
    #expect(Self.messages("print(1)", path: "Sources/tdxspec/Check.swift") == [])
    #expect(Self.messages("f()!", path: "Sources/tdxspec/Check.swift").count == 1)
  }

  @Test("banned words are found in comments too, whole words only") func words() {
    let word = "TO" + "DO"
    #expect(Self.messages("// \(word): later", path: "Tests/A/A.swift").count == 1)
    #expect(Self.messages("let \(word)S = 1") == [])
    #expect(Self.messages("let path = \"" + "/ro" + "ot/x\"").count == 1)
  }

  @Test("an aspect file is about its type") func fileName() {
    let path = "Sources/Explorer/Store+Growth.swift"
    #expect(Self.messages("extension Store {}", path: path) == [])
    #expect(Self.messages("extension Storage {}", path: path).count == 1)
  }

  @Test("public symbols of the kit are documented") func docs() {
    let path = "Conformance/Kit/A.swift"
    #expect(Self.messages("/// A.\npublic struct A {}", path: path) == [])
    #expect(Self.messages("/// A.\n@frozen\npublic struct A {}", path: path) == [])
    #expect(Self.messages("// A.\npublic struct A {}", path: path).count == 1)
    #expect(Self.messages("public extension A {}", path: path) == [])
  }

  @Test(
    "imports point one way",
    arguments: [
      ("Sources/SpecLanguage/A.swift", "SpecProgram", false),
      ("Sources/SpecProgram/A.swift", "SpecLanguage", true),
      ("Sources/SpecProgram/A.swift", "Explorer", false),
      ("Sources/Explorer/A.swift", "SpecProgram", true),
      ("Sources/Explorer/A.swift", "SymbolicChecker", false),
      ("Sources/Explorer/A.swift", "CStore", true),
      ("Sources/SymbolicChecker/A.swift", "CZ3", true),
      ("Sources/TestGeneration/A.swift", "Explorer", true),
      ("Sources/TestGeneration/A.swift", "ConformanceKit", true),
      ("Sources/Explorer/A.swift", "ConformanceKit", false),
      ("Sources/Explorer/A.swift", "tdxspec", false),
      ("Sources/tdxspec/A.swift", "Explorer", true),
      ("Sources/CertificateChecker/A.swift", "TestGeneration", false),
      ("Sources/CertificateChecker/A.swift", "Foundation", true),
      ("Specs/KVM/A.swift", "SpecLanguage", true),
      ("Specs/KVM/A.swift", "TDXModule", true),
      ("Specs/KVM/A.swift", "SpecProgram", false),
      ("Specs/KVM/Deep/A.swift", "Simulator", false),
      ("Conformance/Kit/A.swift", "SpecLanguage", false),
      ("Conformance/Kit/A.swift", "Foundation", true),
      ("Conformance/Simulator/A.swift", "ConformanceKit", true),
      ("Conformance/Simulator/A.swift", "SpecLanguage", false),
      ("Conformance/Simulator/A.swift", "TDXModule", false),
      ("Conformance/KVM/A.swift", "CKVM", true),
      ("Conformance/KVM/A.swift", "Explorer", false),
    ])
  func imports(path: String, module: String, allowed: Bool) {
    #expect(Self.messages("import \(module)", path: path).isEmpty == allowed)
    let testable = "@testable public import struct \(module).X // why"
    #expect(Self.messages(testable, path: path).isEmpty == allowed)
  }

  @Test("citations are recognised and looked up") func citations() {
    let line = #"cites: "kvm-tdx §5.d", "kvm-tdx S-11", "seed 001", kvm-tdx says, perf §8."#
    let found = ["kvm-tdx §5.d", "kvm-tdx S-11", "perf §8", "seed 001"]
    #expect(TidyRules.citations(in: line) == found)
    #expect(
      TidyRules.citations(in: "guest-memfd I-PTE-KIND, my-perf §9, seed corpus") == [
        "guest-memfd I-PTE-KIND"
      ])
    let sources = TidyRules.sources("| id | what |\n|---|---|\n| `kvm-tdx §5.d` | x | y |\n")
    #expect(sources == ["kvm-tdx §5.d"])
    let offences = TidyRules.citations(path: "Specs/A.swift", text: line, sources: sources)
    #expect(offences.map(\.message).first == "kvm-tdx S-11 has no row in docs/sources.md")
    #expect(offences.count == 3)
  }
}
