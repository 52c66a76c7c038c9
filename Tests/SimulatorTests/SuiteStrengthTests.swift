import ConformanceKit
import Simulator
import SimulatorReplay
import Testing

@Suite("How strong a suite is")
struct SuiteStrengthTests {
  private static func test(_ id: String, _ steps: [(Call, ExpectedOutcome)]) -> ConformanceTest {
    ConformanceTest(
      id: id, purpose: "of a test",
      steps: steps.map { ConformanceTest.Step($0.0, expect: [$0.1]) })
  }

  private static let create = Call("KVM_CREATE_VM", ["new": "vm0", "type": 1])
  private static func file(_ size: String) -> Call {
    Call("KVM_CREATE_GUEST_MEMFD", ["on": "vm0", "new": "gmem0", "size": .text(size), "flags": 0])
  }

  private static let refused = ExpectedOutcome.exactly(.errno(Errno(number: 22)))

  private func strength(_ tests: [ConformanceTest]) throws -> SuiteStrength {
    let system = try #require(SimulatedSystem(name: "7.3-sw-protected"))
    return try SuiteStrength(
      ConformanceSuite(name: "small", guarantee: "none", tests: tests), on: system)
  }

  @Test("A fault is noticed by a test that looks there, and by no other")
  func notices() throws {
    let plain = Self.test("plain", [(Self.create, .success), (Self.file("0x1000"), .success)])
    let odd = Self.test("odd", [(Self.create, .success), (Self.file("0x1"), Self.refused)])
    let fault = Fault("KVM_CREATE_GUEST_MEMFD", .missingCheck, "size")
    #expect(try strength([plain]).fate(fault) == .survives(tests: 1))
    #expect(
      try strength([plain, odd]).fates([fault]) == [.noticed(.divergence, test: "odd")])
    let elsewhere = Fault("KVM_SET_MP_STATE", .missingCheck, "mm")
    #expect(try strength([plain, odd]).fate(elsewhere) == .survives(tests: 0))
  }

  @Test("What the system is left with is noticed where answers are right")
  func complaints() throws {
    let system = try #require(SimulatedSystem(name: "7.3-tdx"))
    let domain: [Call] = [
      Call("KVM_CREATE_VM", ["new": "vm0", "type": 5]),
      Call(
        "KVM_TDX_INIT_VM",
        ["on": "vm0", "flags": 0, "attributes": "0x10000000", "xfam": "0x3", "gpaw": 48]),
    ]
    let test = Self.test("domain", domain.map { ($0, .success) })
    let strength = try SuiteStrength(
      ConformanceSuite(name: "small", guarantee: "none", tests: [test]), on: system)
    let leak = Fault("exit", .missingEffect, "hkid free")
    #expect(strength.fate(leak) == .noticed(.complaint, test: "domain"))
  }

  @Test("A test that fails without a fault counts for nothing")
  func unsound() throws {
    let wrong = Self.test("wrong", [(Self.create, Self.refused)])
    let strength = try strength([wrong])
    #expect(strength.unsound.map(\.test) == ["wrong"])
    #expect(
      strength.fate(Fault("KVM_CREATE_VM", .wrongAnswer, "type")) == .survives(tests: 0))
  }

  @Test("The first SEAMCALL that differs is shown")
  func firstDifference() {
    let same = SimulatedKVMReplay.firstDifference(["a", "b"], ["a", "b"])
    #expect(same == nil)
    let other = SimulatedKVMReplay.firstDifference(["a", "b", "c"], ["a", "x", "c"])
    #expect(other?.recorded == "b")
    #expect(other?.got == "x")
    let short = SimulatedKVMReplay.firstDifference(["a", "b"], ["a"])
    #expect(short?.got == "no more")
    #expect(short?.what.hasPrefix("SEAMCALL 2 ") == true)
  }
}
