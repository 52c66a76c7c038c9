import Foundation
import Testing

@Suite struct BadInputTests {
  static let bench = "bench/tdx-teardown"

  static let usageErrors: [(arguments: [String], says: String)] = [
    ([], "USAGE"),
    (["frob"], "frob"),
    (["check"], "name a spec"),
    (["check", "nope"], "no spec 'nope'"),
    (["check", "teardown/mainlin"], "did you mean teardown/mainline?"),
    (["check", bench, "--set", "N=9"], "N=9 is out of range; it takes 1...6"),
    (["check", bench, "--set", "N=-1"], "N=-1 is out of range"),
    (["check", bench, "--set", "X=1"], "no parameter 'X'"),
    (["check", bench, "--set", "N=99999999999999999999"], "99999999999999999999"),
    (["check", bench, "--set", "N"], "NAME=VALUE"),
    (["check", bench, "--set", "=1"], "NAME=VALUE"),
    (["check", bench, "--set", "N=two"], "'two'"),
    (["check", bench, "--set", "N=1", "--set", "N=2"], "twice"),
    (["check", bench, "--set"], "--set"),
    (["check", bench, "--scope", "huge"], "no scope 'huge'"),
    (["check", bench, "--property", "I9"], "properties: I1, I2, I3, I4, I5"),
    (["check", bench, "--workers", "0"], "--workers"),
    (["check", bench, "--workers", "2"], "--workers 2"),
    (["check", bench, "--workers", "many"], "many"),
    (["check", bench, "--max-states", "0"], "--max-states"),
    (["check", bench, "--max-memory", "lots"], "lots"),
    (["check", bench, "--max-memory", "99999999999T"], "99999999999T"),
    (["check", bench, "--time-limit", "-3s"], "--time-limit"),
    (["check", bench, "--reduce", "symmetry,magic"], "symmetry,magic"),
    (["check", bench, "--cross-check", "z3", "--reduce", "por"], "por changes"),
    (["check", bench, "--reduce", "magic"], "magic"),
    (["check", bench, "--engine", "c"], "c"),
    (["check", bench, "--accept", "violated"], "violated"),
    (["check", bench, "--cross-check", "cvc5"], "'cvc5'"),
    (["check", bench, bench], "twice"),
    (["check", "--all"], "--expected"),
    (["check", "--all", "--expected", bench], "--all"),
    (["check", bench, "--unknown"], "--unknown"),
    (["read", bench, "Fly"], "no action 'Fly'"),
    (["read", "nope"], "no spec 'nope'"),
    (["list", "nope"], "no spec 'nope'"),
    (["doc"], "spec"),
    (["doc", "nope"], "no spec 'nope'"),
    (["doc", bench, "--section", "poems"], "poems"),
    (["doc", bench, "--section", "state", "--section", "state"], "twice"),
    (["doc", bench, "--by", "nope"], "no variable 'nope'"),
    (["doc", bench, "--by", "assoc"], "no rows of a table"),
    (["doc", bench, "--section", "locks", "--by", "pkg"], "--by"),
    (["doc", bench, "--scope", "huge"], "no scope 'huge'"),
    (["doc", bench, "--call", "Fly"], "no call 'Fly'"),
    (["doc", bench, "--section", "state", "--call", "Track"], "one --call"),
    (["diff", bench], "other"),
    (["diff", bench, "nope"], "no spec 'nope'"),
    (["diff", bench, bench, "--other-set", "N"], "NAME=VALUE"),
    (["diff", bench, bench, "--json", "--markdown"], "exclude each other"),
    (["diff", "tutorial/ticket-lock", "tutorial/turns"], "TDX2040"),
    (["prove", bench, "--method", "magic"], "magic"),
    (["prove", bench, "--depth", "0"], "--depth"),
    (["prove", bench, "--property", "I9"], "claims: I1, I2, I3, I4, I5"),
    (["prove", "nope"], "no spec 'nope'"),
    (["explore", bench, "--set", "N=0"], "N=0"),
    (["explore", bench, "--dot", "/dev/null"], "draw a smaller scope"),
  ]

  @Test(arguments: usageErrors)
  func isOneClearLineAndExitTwo(_ bad: (arguments: [String], says: String)) throws {
    let result = try Tool.run(bad.arguments)
    guard !bad.arguments.isEmpty else {
      #expect(result.output.contains(bad.says))
      return
    }
    #expect(result.status == 2)
    let errors = result.errors.split(separator: "\n")
    #expect(errors.count == 1, "\(result.errors)")
    #expect(result.errors.contains(bad.says), "\(result.errors)")
    #expect(!result.errors.contains("Fatal"))
  }

  @Test func fullDiskIsExit74() throws {
    let result = try Tool.run(
      "check", Self.bench, "--set", "N=1", "--set", "P=1", "--output", "/dev/full")
    #expect(result.status == 74)
    #expect(result.errors.contains("/dev/full"))
    let standard = try Tool.shell("$TOOL list > /dev/full")
    #expect(standard.status == 74)
    #expect(standard.errors.contains("standard output"))
  }

  @Test func unwritableFileIsExit74AndLeavesNothing() throws {
    let result = try Tool.run("check", Self.bench, "--output", "/nonexistent/report")
    #expect(result.status == 74)
    #expect(result.errors.contains("/nonexistent/report"))
  }

  @Test func closedPipeEndsSilently() throws {
    let line = "{ sleep 0.2; $TOOL read teardown/mainline; } | true"
    let result = try Tool.shell(line)
    #expect(result.errors.isEmpty)
  }
}
