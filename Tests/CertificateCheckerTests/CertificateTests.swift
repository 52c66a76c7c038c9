import Catalogue
import CertificateChecker
import ConformanceKit
import Foundation
import SpecLanguage
import SpecProgram
import TestGeneration
import Testing

@Suite struct CertificateTests {
  /// A suite and its certificate as JSON objects, to be broken by hand.
  struct Pair {
    var certificate: [String: Any]
    var suite: [String: Any]

    func check() throws -> CertifiedGuarantee {
      try CertifiedGuarantee(
        certificate: Array(try JSONSerialization.data(withJSONObject: certificate)),
        suite: Array(try JSONSerialization.data(withJSONObject: suite)))
    }

    /// Changes a step of a test.
    mutating func change(test: Int, step: Int, _ change: (inout [String: Any]) -> Void) throws {
      var tests = try #require(suite["tests"] as? [[String: Any]])
      var steps = try #require(tests[test]["steps"] as? [[String: Any]])
      change(&steps[step])
      tests[test]["steps"] = steps
      suite["tests"] = tests
    }

    mutating func changeRow(_ field: String, _ row: Int, _ change: (inout [Int]) -> Void) throws {
      var rows = try #require(certificate[field] as? [[Int]])
      change(&rows[row])
      certificate[field] = rows
    }
  }

  private func pair(
    _ name: String = "teardown/terminate-vm-v4", k: Int = 0, adaptive: Bool = true
  ) throws -> Pair {
    let spec = try #require(Catalogue.entry(named: name)).describe()
    let program = try Program(
      spec, try ResolvedScope(spec, scope: spec.scopes.isEmpty ? nil : "small"))
    let options = MachineOptions()
    let alphabet = try CallAlphabet(program, options)
    let engine = try GuardTable(try GroundProgram(program), monitors: [])
    let machine = try ObservableMachine(engine, alphabet, options)
    let writer = SuiteWriter(machine, alphabet, program, scope: "small")
    let criterion = Criterion.certified(k: k, adaptive: adaptive)
    let plan = try CallPlan(writer, PlanOptions(criterion))
    let suite = writer.suite(plan, criterion)
    let certificate = try #require(Certificate(plan, writer, suite))
    func object(_ bytes: [UInt8]) throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }
    return Pair(
      certificate: try object(try StrictJSON.line(certificate)),
      suite: try object(try StrictJSON.line(suite)))
  }

  private func problem(_ pair: Pair) -> CertificateProblem.Kind? {
    do {
      _ = try pair.check()
      return nil
    } catch {
      return (error as? CertificateProblem)?.kind
    }
  }

  @Test(arguments: [0, 1], [false, true]) func accepts(k: Int, adaptive: Bool) throws {
    let shown = try pair(k: k, adaptive: adaptive).check()
    #expect(shown.k == k)
    #expect(shown.states > 3)
    #expect(shown.pairs > shown.states)
  }

  @Test func acceptsATutorial() throws {
    let shown = try pair("tutorial/ticket-lock").check()
    #expect(shown.states == 2)
    #expect(shown.assumed == 0)
  }

  @Test func rejectsAMissingTest() throws {
    let whole = try pair()
    let tests = try #require(whole.suite["tests"] as? [[String: Any]])
    // No test is dispensable: the generator drops those that others continue.
    for left in stride(from: 0, to: tests.count, by: max(1, tests.count / 6)) {
      var broken = whole
      var fewer = tests
      fewer.remove(at: left)
      broken.suite["tests"] = fewer
      #expect(problem(broken) == .coverage)
    }
  }

  @Test func rejectsAnotherExpectation() throws {
    var broken = try pair()
    try broken.change(test: 3, step: 0) { $0["expect"] = [["errno": "EPERM"]] }
    #expect(problem(broken) == .test)
    broken = try pair()
    try broken.change(test: 3, step: 0) { $0["tolerate"] = [["errno": "EPERM"]] }
    #expect(problem(broken) == .test)
    broken = try pair()
    try broken.change(test: 3, step: 0) { step in
      step["expect"] = (step["expect"] as? [Any] ?? []) + [["errno": "EPERM"]]
    }
    #expect(problem(broken) == .test)
  }

  @Test func rejectsAnotherMachine() throws {
    var broken = try pair()
    let states = try #require(broken.certificate["states"] as? Int)
    try broken.changeRow("transitions", 0) { $0[3] = ($0[3] + 1) % states }
    #expect(problem(broken) != nil)
    broken = try pair()
    var rows = try #require(broken.certificate["transitions"] as? [[Int]])
    rows.append([rows[0][0], rows[0][1], rows[0][2], 0])
    broken.certificate["transitions"] = rows
    #expect(problem(broken) == .machine)
  }

  @Test func rejectsOutputsThatOverlap() throws {
    var broken = try pair()
    var outputs = try #require(broken.certificate["outputs"] as? [[String: Any]])
    outputs.append(["expect": ["ok": 0], "observe": [String: Any]()])
    broken.certificate["outputs"] = outputs
    #expect(problem(broken) == .machine)
  }

  @Test func rejectsAnotherCover() throws {
    var broken = try pair()
    var cover = try #require(broken.certificate["cover"] as? [[Int]])
    cover.swapAt(1, 2)
    broken.certificate["cover"] = cover
    #expect(problem(broken) == .cover)
  }

  @Test func rejectsAWordThatDoesNotSeparate() throws {
    var broken = try pair()
    let words = try #require(broken.certificate["words"] as? [[Int]])
    broken.certificate["words"] = words.map { _ in [0] }
    #expect(problem(broken) == .separation)
    broken = try pair()
    var apart = try #require(broken.certificate["apart"] as? [[Int]])
    apart.removeFirst()
    broken.certificate["apart"] = apart
    #expect(problem(broken) == .separation)
  }

  @Test func rejectsAGreaterClaim() throws {
    var broken = try pair(k: 0)
    broken.certificate["k"] = 1
    #expect(problem(broken) == .coverage)
  }

  @Test func rejectsNonsense() throws {
    for bytes in ["", "{}", "[]", "{\"format\": true}", "{\"format\": 1.5}", "\u{0}"] {
      #expect(throws: CertificateProblem.self) {
        try CertifiedGuarantee(certificate: Array(bytes.utf8), suite: Array(bytes.utf8))
      }
    }
    var broken = try pair()
    for (field, value) in [
      ("states", 1 << 40), ("k", -1), ("transitions", [[0, 0, 0]]), ("cover", [[-1]]),
      ("inputs", [Int]()), ("apart", [[1, 0, 0]]), ("assumed", [[0, 0]]),
    ] as [(String, Any)] {
      let before = broken.certificate[field]
      broken.certificate[field] = value
      #expect(problem(broken) != nil, "\(field)")
      broken.certificate[field] = before
    }
    #expect(problem(broken) == nil)
  }
}
