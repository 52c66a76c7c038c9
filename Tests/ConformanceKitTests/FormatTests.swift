import ConformanceKit
import Testing

@Suite("JSON") struct FormatTests {
  static let suite = ConformanceSuite(
    name: "lock", guarantee: "every pair of call and outcome once", tests: [.lockTwice])

  @Test("a suite survives the way to JSON and back, byte for byte") func roundTrip() throws {
    let bytes = try StrictJSON.file(Self.suite)
    let read = try StrictJSON.decode(ConformanceSuite.self, from: bytes)
    #expect(read == Self.suite)
    #expect(try StrictJSON.file(read) == bytes)
  }

  @Test("the form is the documented one") func golden() throws {
    let test = ConformanceTest(
      id: "t", purpose: "p", requires: ["b", "a"],
      steps: [
        .init(
          Call("KVM_CREATE_VM", ["type": 5], binds: "vm0"), expect: [.success, .busy],
          observe: ["vm0/alive": true])
      ])
    let line = String(decoding: try StrictJSON.line(test), as: UTF8.self)
    #expect(
      line == """
        {"id":"t","purpose":"p","requires":["a","b"],"steps":[{"call":{"args":{"type":5},\
        "binds":"vm0","name":"KVM_CREATE_VM"},"expect":["success",{"errno":"EBUSY"}],\
        "observe":{"vm0/alive":true}}]}

        """)
  }

  @Test(
    "every outcome survives",
    arguments: [
      Outcome.ok(0), .ok(.word(.max)), .ok(["a", true, -1]), .errno(Errno(number: 16)),
      .errno(Errno(number: 999)), .signal(7), .timeout, .exit("KVM_EXIT_HLT", nil),
      .exit("KVM_EXIT_MEMORY_FAULT", Errno(number: 14)),
    ])
  func outcomes(outcome: Outcome) throws {
    let bytes = try StrictJSON.line(outcome)
    #expect(try StrictJSON.decode(Outcome.self, from: bytes) == outcome)
  }

  @Test("results and profiles survive") func protocolTypes() throws {
    let result = CallResult(.ok(0), written: ["gpa": .word(1 << 63)])
    let profile = Profile(backend: "kvm", capabilities: ["z", "a"], details: ["release": "7.3"])
    #expect(try StrictJSON.decode(CallResult.self, from: StrictJSON.line(result)) == result)
    #expect(try StrictJSON.decode(Profile.self, from: StrictJSON.line(profile)) == profile)
  }

  @Test("numbers are equal by what they mean") func numbers() {
    #expect(Value.word(5) == 5)
    #expect(Set<Value>([.word(5), 5]).count == 1)
    #expect(Value.word(.max) != -1)
    #expect(Value.flag(true) != 1)
  }

  static func step(_ step: String) -> String {
    """
    {"format": 1, "name": "n", "guarantee": "g", "tests": [
      {"id": "a", "purpose": "p", "steps": [\(step)]}]}
    """
  }

  @Test(
    "a bad field is named with its path",
    arguments: [
      (
        step(#"{"call": {"name": "x"}, "expect": [{"errno": "EBUSYY"}]}"#),
        "tests[0].steps[0].expect[0].errno: EBUSYY is no errno of the table"
      ),
      (
        step(#"{"call": {"name": "x"}, "expect": []}"#),
        "tests[0].steps[0].expect: must not be empty"
      ),
      (step(#"{"call": {}, "expect": ["success"]}"#), "tests[0].steps[0].call.name: is missing"),
      (
        step(#"{"call": {"name": "x"}, "expect": ["success"], "observes": {}}"#),
        "tests[0].steps[0].observes: is not a known key "
          + "(call, expect, observe, tolerate, unchanged, written)"
      ),
      (
        step(#"{"call": {"name": "x", "args": {"a": null}}, "expect": ["success"]}"#),
        "tests[0].steps[0].call.args.a: "
          + "must be true, false, a whole number of 64 bits, a text or an array"
      ),
      (
        step(#"{"call": {"name": "x"}, "expect": ["ok"]}"#),
        "tests[0].steps[0].expect[0]: must be \"success\" or an outcome"
      ),
      (
        step(#"{"call": {"name": "x"}, "expect": [{"ok": 0, "errno": "EIO"}]}"#),
        "tests[0].steps[0].expect[0]: "
          + "must be one of ok, errno, signal, timeout, exit (with or without errno)"
      ),
      (
        step(#"{"call": {"name": "x"}, "expect": ["success"], "expect": []}"#),
        "line 2: tests[0].steps[0].expect: the key is given twice"
      ),
      (step(""), "tests[0].steps: must not be empty"),
      (
        step(#"{"call": {"name": "x", "args": {"a": 1.5}}, "expect": ["success"]}"#),
        "line 2: tests[0].steps[0].call.args.a: numbers are whole and have no exponent"
      ),
      (
        #"{"format": 2, "name": "n", "guarantee": "g", "tests": []}"#,
        "format: is 2; this version reads 1"
      ),
      (#"{"format": 1, "name": "n""#, "line 1: expected ',' or '}'"),
      ("", "line 1: the document ends too early"),
      ("{} {}", "line 1: text after the end of the document"),
      ("[", "line 1: [0]: the document ends too early"),
      (#"{"a\u0062": 1}"#, "line 1: a key contains an escape"),
    ])
  func errors(text: String, message: String) {
    #expect(throws: FormatError.self) {
      try StrictJSON.decode(ConformanceSuite.self, from: text.utf8)
    }
    do {
      _ = try StrictJSON.decode(ConformanceSuite.self, from: text.utf8)
    } catch {
      #expect("\(error)" == message)
    }
  }

  @Test("steps that tests share are referred to by number") func sharedSteps() throws {
    let step = #"{"call": {"name": "x"}, "expect": ["success"]}"#
    func suite(_ steps: String) -> String {
      #"{"format": 1, "name": "n", "guarantee": "g", "shared": [\#(step)], "tests": "#
        + #"[{"id": "a", "purpose": "p", "steps": [\#(steps)]}]}"#
    }
    let plain = try StrictJSON.decode(ConformanceSuite.self, from: suite(step + "," + step).utf8)
    let shared = try StrictJSON.decode(ConformanceSuite.self, from: suite("0, 0").utf8)
    #expect(plain == shared && shared.tests[0].steps.count == 2)
    #expect(throws: FormatError(path: "tests[0].steps", problem: "there is no shared step 1")) {
      try StrictJSON.decode(ConformanceSuite.self, from: suite("1").utf8)
    }
  }

  @Test("two tests of one id are refused") func duplicateIDs() throws {
    var suite = Self.suite
    suite.tests.append(.lockTwice)
    let bytes = try StrictJSON.file(suite)
    #expect(throws: FormatError(path: "tests", problem: "two tests have the id lock-0001")) {
      try StrictJSON.decode(ConformanceSuite.self, from: bytes)
    }
  }

  @Test("no prefix and no flipped byte of a document brings the reader down") func robust() throws {
    let bytes = try StrictJSON.line(Self.suite)
    for length in 0..<bytes.count - 1 {
      #expect(throws: FormatError.self) {
        try StrictJSON.decode(ConformanceSuite.self, from: bytes[..<length])
      }
    }
    for index in bytes.indices {
      for replacement in [UInt8(0), 0x22, 0x5B, 0x7B, 0xFF] {
        var broken = bytes
        broken[index] = replacement
        _ = try? StrictJSON.decode(ConformanceSuite.self, from: broken)
      }
    }
    let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
    #expect(throws: FormatError.self) { try StrictJSON.decode(Value.self, from: deep) }
  }
}

@Suite("Errno table") struct ErrnoTests {
  @Test("names and numbers are unique and in order") func table() {
    #expect(Set(Errno.table.map(\.name)).count == Errno.table.count)
    #expect(Errno.table.map(\.number) == Errno.table.map(\.number).sorted())
    #expect(Set(Errno.table.map(\.number)).count == Errno.table.count)
  }

  @Test("a number outside the table keeps its number") func unlisted() {
    #expect(Errno(number: 999).name == "errno 999")
    #expect(Errno(name: "EBUSY") == Errno(number: 16))
    #expect(Errno(name: "EWHAT") == nil)
  }
}
