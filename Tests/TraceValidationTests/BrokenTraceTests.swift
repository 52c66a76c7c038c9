import Testing

@testable import TraceValidation

/// What is done to the lines of a trace, which are numbered from 1.
enum TraceEdit: Sendable {
  case drop(Int)
  case swap(Int, Int)
  /// The line comes again, after another.
  case again(Int, after: Int)

  func applied(to lines: [String]) -> [String] {
    var lines = lines
    switch self {
    case .drop(let line): lines.remove(at: line - 1)
    case .swap(let one, let other): lines.swapAt(one - 1, other - 1)
    case .again(let line, let after): lines.insert(lines[line - 1], at: after)
    }
    return lines
  }
}

/// A trace that was broken by hand, and the call that no kernel would have answered so.
struct BrokenTrace: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let trace: RecordedTrace
  let edit: TraceEdit
  /// The line of the broken trace that is refused, and the call there.
  let line: Int
  let call: String

  init(_ name: String, _ trace: RecordedTrace, _ edit: TraceEdit, _ line: Int, _ call: String) {
    testDescription = name
    self.trace = trace
    self.edit = edit
    self.line = line
    self.call = call
  }

  private static let region = "KVM_TDX_INIT_MEM_REGION"

  static let dropped = [
    BrokenTrace("no VM", .td, .drop(5), 5, "KVM_CHECK_EXTENSION"),
    BrokenTrace("no irqchip", .td, .drop(66), 101, "KVM_ENABLE_CAP"),
    BrokenTrace("no INIT_VM", .td, .drop(104), 104, "KVM_CREATE_VCPU"),
    BrokenTrace("no CPUID of vCPU 0", .td, .drop(116), 168, "KVM_TDX_INIT_VCPU"),
    BrokenTrace("no CPUID of vCPU 1", .td, .drop(148), 169, "KVM_TDX_INIT_VCPU"),
    BrokenTrace("no INIT_VCPU of vCPU 0", .td, .drop(169), 170, region),
    BrokenTrace("no file of the RAM", .td, .drop(71), 153, "KVM_SET_USER_MEMORY_REGION2"),
    BrokenTrace("no file of the firmware", .td, .drop(156), 157, "KVM_SET_USER_MEMORY_REGION2"),
    BrokenTrace("no slot of the RAM", .td, .drop(154), 172, region),
    BrokenTrace("no slot of the firmware", .td, .drop(158), 170, region),
    BrokenTrace("the RAM is shared", .td, .drop(155), 172, region),
    BrokenTrace("the firmware is shared", .td, .drop(159), 170, region),
    BrokenTrace("no vCPU 0", .td, .drop(105), 106, "KVM_TDX_GET_CPUID"),
    BrokenTrace("no vCPU 1", .td, .drop(137), 138, "KVM_TDX_GET_CPUID"),
    BrokenTrace("no VM in strace", .q35, .drop(14), 38, "KVM_ENABLE_CAP"),
  ]

  static let repeated = [
    BrokenTrace("INIT_VM twice", .td, .again(104, after: 104), 105, "KVM_TDX_INIT_VM"),
    BrokenTrace("INIT_VM after a vCPU", .td, .again(104, after: 105), 106, "KVM_TDX_INIT_VM"),
    BrokenTrace("the irqchip twice", .td, .again(66, after: 66), 67, "KVM_ENABLE_CAP"),
    BrokenTrace("vCPU 0 twice", .td, .again(105, after: 137), 138, "KVM_CREATE_VCPU"),
    BrokenTrace("a vCPU after FINALIZE_VM", .td, .again(137, after: 177), 178, "KVM_CREATE_VCPU"),
    BrokenTrace("INIT_VCPU twice", .td, .again(169, after: 170), 171, "KVM_TDX_INIT_VCPU"),
    BrokenTrace("a region twice", .td, .again(172, after: 173), 174, region),
    BrokenTrace("a region after FINALIZE_VM", .td, .again(172, after: 177), 178, region),
    BrokenTrace("FINALIZE_VM twice", .td, .again(177, after: 177), 178, "KVM_TDX_FINALIZE_VM"),
    BrokenTrace("an irqchip twice", .q35, .again(74, after: 74), 75, "KVM_CREATE_IRQCHIP"),
    BrokenTrace("a vCPU twice", .q35, .again(111, after: 144), 145, "KVM_CREATE_VCPU"),
  ]

  static let swapped = [
    BrokenTrace("FINALIZE_VM before a region", .td, .swap(177, 171), 172, region),
    BrokenTrace("INIT_VM after its vCPU", .td, .swap(104, 105), 104, "KVM_CREATE_VCPU"),
    BrokenTrace("a region before INIT_VCPU", .td, .swap(169, 171), 169, region),
    BrokenTrace("INIT_VCPU before CPUID", .td, .swap(116, 169), 116, "KVM_TDX_INIT_VCPU"),
    BrokenTrace("a region before its slot", .td, .swap(158, 171), 158, region),
    BrokenTrace("regions after FINALIZE_VM", .td, .swap(170, 177), 171, region),
    BrokenTrace("a region before its attributes", .td, .swap(155, 176), 155, region),
    BrokenTrace("an irqchip after the vCPUs", .q35, .swap(74, 144), 144, "KVM_CREATE_IRQCHIP"),
  ]
}

@Suite("Traces broken by hand are refused where they are broken") struct BrokenTraceTests {
  @Test(arguments: BrokenTrace.dropped + BrokenTrace.repeated + BrokenTrace.swapped)
  func refused(_ broken: BrokenTrace) throws {
    let verdict = try RecordedTrace.check(broken.edit.applied(to: try broken.trace.lines()))
    #expect(verdict.refusedLine == broken.line)
    switch verdict.outcome {
    case .refused(let refusal):
      #expect(refusal.call.hasPrefix(broken.call))
      #expect(!refusal.allowed.isEmpty && refusal.allowed.allSatisfy { $0.answer != "nothing" })
      #expect(!refusal.allowed.contains { $0.answer == refusal.recorded })
      #expect(refusal.looked.last?.holds == false)
    case .stray(let stray): #expect(stray.call == broken.call)
    default: Issue.record("\(verdict.outcome)")
    }
  }

  @Test("a call that is missing is what makes the refused one legal") func completion() throws {
    for (line, call) in [(104, "KVM_TDX_INIT_VM"), (169, "KVM_TDX_INIT_VCPU")] {
      let lines = TraceEdit.drop(line).applied(to: try RecordedTrace.td.lines())
      guard case .refused(let refusal) = try RecordedTrace.check(lines).outcome else {
        Issue.record("line \(line) is not missed")
        continue
      }
      #expect(refusal.completion?.count == 1)
      #expect(refusal.completion?.first?.hasPrefix(call) == true)
    }
  }
}
