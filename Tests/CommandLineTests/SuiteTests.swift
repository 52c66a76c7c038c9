import Foundation
import Testing

/// `tdxspec generate`, `certificate` and `conform` as users call them.
@Suite struct SuiteTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardizedFileURL
  private static let suite = "'\(root.path)/Conformance/Suites/tutorial-ticket-lock.json'"
  private static let lock = "exec python3 '\(root.path)/contrib/backends/ticket_lock.py'"

  private func conform(_ fault: String, _ more: String = "") throws -> Tool.Result {
    try Tool.shell(
      "TICKET_LOCK_FAULT=\(fault) $TOOL conform --backend \"exec:\(Self.lock)\" "
        + "--suite \(Self.suite) --call-timeout 1s \(more)")
  }

  @Test func committedSuitesAreWhatTheSpecsGive() throws {
    let result = try Tool.shell("TDXSPEC=$TOOL '\(Self.root.path)/tools/suites' --compare")
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    #expect(result.output == "suites: as committed\n")
  }

  @Test(arguments: [
    ("", Int32(0), "1 PASS"), ("third", 1, "1 FAIL"), ("errno", 1, "1 FAIL"),
    ("late", 3, "1 INCONCLUSIVE"), ("crash", 70, "1 ERROR"), ("garbage", 70, "1 ERROR"),
  ])
  func exitCodes(fault: String, status: Int32, words: String) throws {
    let result = try conform(fault)
    #expect(result.status == status)
    #expect(result.lines.last?.hasSuffix(words) == true, "\(result.output)\(result.errors)")
  }

  @Test func explainsWithTheSpec() throws {
    let lines = try conform("third").lines.map { $0.trimmingCharacters(in: .whitespaces) }
    #expect(lines.contains("shortest way found, 3 calls:"))
    #expect(lines.contains("the spec answers -EBUSY, the backend answered 0"))
    #expect(lines.contains { $0.contains("“taken is 0” fails (TutorialSpecs/TicketLock.swift") })
  }

  @Test func events() throws {
    let events = try conform("third", "--json").events()
    let names = events.compactMap { $0["event"] as? String }
    #expect(names == ["start", "backend", "test", "conformance", "end"])
    #expect(events[2]["verdict"] as? String == "FAIL")
    #expect(events[4]["exit"] as? Int == 1)
  }

  @Test func compatibility() throws {
    #expect(try conform("", "--compatibility").status == 0)
    let broken = try conform("sticky", "--compatibility")
    #expect(broken.status == 1)
    #expect(broken.lines.contains("FAIL  after a reset the same calls get the same answers"))
  }

  @Test func shardsAreTheWhole() throws {
    let file = Tool.scratchFile().path
    defer { try? FileManager.default.removeItem(atPath: file) }
    let made = try Tool.run(
      "generate", "tutorial/ticket-lock", "--criterion", "random", "--random", "5", "-o", file)
    #expect(made.status == 0)
    var passed: [String] = []
    for shard in ["1/3", "2/3", "3/3"] {
      let run = try Tool.shell(
        "$TOOL conform --backend \"exec:\(Self.lock)\" --suite \(file) --shard \(shard) --json")
      #expect(run.status == 0)
      passed += try run.events().compactMap { $0["id"] as? String }
    }
    #expect(passed.sorted() == (1...5).map { "random-0000\($0)" })
  }

  @Test func skipsAreCompared() throws {
    let list = Tool.scratchFile()
    defer { try? FileManager.default.removeItem(at: list) }
    try "# here\nhsi-00001\n".write(to: list, atomically: true, encoding: .utf8)
    let result = try conform("", "--skips \(list.path)")
    #expect(result.status == 1)
    #expect(result.output.contains("hsi-00001: committed as skipped, but is not"))
  }

  @Test(arguments: [
    ("kvm-tdx-checks", "simulator"), ("kvm-tdx-checks", "simulator:7.3-tdx-standin"),
    ("kvm-tdx-lifecycle", "simulator"), ("kvm-tdx-parallel", "simulator"),
    ("tdx-module-deviations", "simulator:module"),
    ("gmem-7.3-deviations", "simulator:7.3-sw-protected"),
    ("gmem-6.18-deviations", "simulator:6.18"),
    ("kvm-tdx-deviations", "simulator:7.3-tdx-standin"),
  ])
  func theSimulatorPasses(suite: String, backend: String) throws {
    let result = try Tool.run(
      "conform", "--backend", backend, "--suite",
      "\(Self.root.path)/Conformance/Suites/\(suite).json")
    #expect(result.status == 0, "\(result.output)\(result.errors)")
  }

  @Test func aFaultOfTheSimulatorIsFoundAndExplained() throws {
    let suite = "\(Self.root.path)/Conformance/Suites/kvm-tdx-checks.json"
    let fault = "KVM_TDX_INIT_VM/missingCheck/attributes"
    let result = try Tool.run(
      "conform", "--backend", "simulator", "--suite", suite, "--fault", fault, "--json")
    #expect(result.status == 1)
    let events = try result.events()
    #expect((events[1]["details"] as? [String: String])?["faults"] == fault)
    #expect(events.contains { ($0["notes"] as? [String])?.isEmpty == false })
  }

  @Test func aLockThatIsNotTakenIsFoundByARace() throws {
    let result = try Tool.run(
      "conform", "--backend", "simulator", "--suite",
      "\(Self.root.path)/Conformance/Suites/kvm-tdx-parallel.json", "--fault",
      "KVM_SET_USER_MEMORY_REGION2/lockNotTaken/slots_lock", "--explain", "0")
    #expect(result.status == 1)
  }

  @Test func suitesAreMeasuredByFaults() throws {
    let faults = Tool.scratchFile()
    defer { try? FileManager.default.removeItem(at: faults) }
    let ids = ["KVM_TDX_INIT_VM/missingCheck/attributes", "KVM_GET_FPU/missingCheck/mm"]
    try ("# two\n" + ids.joined(separator: "\tmore\n")).write(
      to: faults, atomically: true, encoding: .utf8)
    let suite = "7.3-tdx=\(Self.root.path)/Conformance/Suites/kvm-tdx-checks.json"
    let result = try Tool.run(
      "mutate", "--suite", suite, "--faults", faults.path, "--json", "--at-least", "51")
    #expect(result.status == 1)
    let events = try result.events()
    #expect(events[1]["noticed"] as? Int == 1)
    #expect(events[2]["notice"] as? String == "divergence")
    #expect(events[3]["passing_tests"] as? Int == 0)
    let text = try Tool.run("mutate", "--suite", suite, "--faults", faults.path)
    #expect(text.status == 0)
    #expect(text.output.contains("1/2 50.0 %"))
    #expect(
      text.output.contains("not noticed: \(ids[1]) (missing guard): no test comes there"))
  }

  @Test func certificates() throws {
    let folder = "\(Self.root.path)/Conformance/Suites"
    let good = try Tool.run(
      "certificate", "\(folder)/tutorial-ticket-lock.certificate.json", "--suite",
      "\(folder)/tutorial-ticket-lock.json", "--json")
    #expect(good.status == 0)
    #expect(try good.events()[1]["complete"] as? Bool == true)
    let other = try Tool.run(
      "certificate", "\(folder)/tutorial-ticket-lock.certificate.json", "--suite",
      "\(folder)/kvm-tdx-lifecycle.json")
    #expect(other.status == 1)
    #expect(other.output.hasPrefix("NOT COMPLETE: form: "))
  }

  @Test(arguments: [
    "generate tutorial/ticket-lock --criterion nonsense",
    "generate tutorial/ticket-lock --criterion tour --k 1",
    "generate tutorial/ticket-lock --criterion tour --certificate x -o y",
    "generate tutorial/ticket-lock --criterion random", "generate tutorial/ticket-lock --k 9",
    "generate tutorial/ticket-lock --call nonsense", "generate nonsense",
    "generate tutorial/ticket-lock --observe nonsense", "generate kvm/tdx --scope build",
    "conform --backend nonsense --suite x", "conform --backend exec:true --suite no-such-file",
    "conform --backend exec:true --suite x --shard 3/2",
    "conform --backend simulator:6.19 --suite x", "conform --backend exec: --suite x",
    "conform --backend simulator --suite x --fault nonsense", "conform --backend simulator",
    "conform --backend simulator --race no-such-file",
    "conform --backend simulator --race x --suite y",
    "conform --backend simulator --race x --times 0",
    "conform --backend simulator --suite x --differences y",
    "conform --backend simulator --suite x --fault-list no-such-file",
    "conform --backend exec:true --suite x --fault KVM_RUN/missingCheck/mm",
    "certificate no-such-file --suite no-such-file",
    "mutate tutorial/ticket-lock --suite x", "mutate --suite no-such-file",
    "mutate --draw-faults 0",
    "mutate tutorial/ticket-lock --at-least 5",
  ])
  func unusable(line: String) throws {
    let result = try Tool.shell("$TOOL \(line)")
    #expect(result.status == 2)
    #expect(result.output.isEmpty)
    #expect(!result.errors.isEmpty)
  }

  @Test func limitsAreNoAnswer() throws {
    let states = try Tool.run(
      "generate", "kvm/tdx", "--scope", "creation", "--max-states", "5")
    #expect(states.status == 3)
    let calls = try Tool.run(
      "generate", "kvm/tdx", "--scope", "creation", "--criterion", "2-switch", "--max-calls", "9")
    #expect(calls.status == 3)
  }
}
