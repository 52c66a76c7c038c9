/// How KVM reaches a TDX module: the SEAMCALLs are logged, retried as KVM's wrappers do, and can be
/// made to fail.
final class ModulePort {
  /// The simulated module; nil for a stand-in that accepts everything.
  let module: TDXModule?
  /// What the next calls of a leaf answer instead of being made.
  var failures: [Leaf: Failure] = [:]
  /// What VP.ENTER returns in turn.
  var script: [Registers] = []
  private(set) var log: [LoggedCall] = []

  struct Failure {
    var count: Int
    let status: UInt64
  }

  init(_ module: TDXModule?) { self.module = module }

  func clearLog() { log = [] }

  /// Entropy is waited for up to ten times (kvm-tdx §1.6).
  private static let attempts = 10

  /// Makes a SEAMCALL and returns its status.
  ///
  /// A further attempt is made with the registers as the one before left them: leaves on an entry
  /// clear RCX and RDX, so that it is about guest address 0 (observed; kvm-tdx §1.6).
  func call(_ registers: inout Registers, lp: Int) -> ModuleStatus {
    let asked = registers
    for attempt in 1...Self.attempts {
      registers.rax = asked.rax
      make(&registers, lp: lp)
      guard registers.status.code == Self.noEntropy, attempt < Self.attempts else { break }
    }
    return registers.status
  }

  static let noEntropy: UInt64 = 0x8000_0203_0000_0000

  private func make(_ registers: inout Registers, lp: Int) {
    guard let leaf = Leaf(rawValue: UInt16(truncatingIfNeeded: registers.rax)) else { return }
    let rcx = registers.rcx
    if var failure = failures[leaf], failure.count > 0 {
      failure.count -= 1
      failures[leaf] = failure
      registers.rax = failure.status
      if leaf.clearsOperands { (registers.rcx, registers.rdx) = (0, 0) }
    } else if leaf == .VP_ENTER, module == nil {
      registers = script.isEmpty ? Self.tripleFault : script.removeFirst()
    } else if let module {
      _ = module.seamcall(&registers, lp: lp)
    } else {
      registers.rax = 0
    }
    log.append(LoggedCall(leaf: leaf, status: registers.rax, rcx: rcx))
  }

  static let tripleFault: Registers = {
    var registers = Registers()
    registers.rax = ModuleStatus(.NON_RECOVERABLE_VCPU, 2).code
    return registers
  }()
}

extension Leaf {
  /// RCX and RDX are zeroed when it begins (tdx-module §5.8), and KVM reads them back.
  fileprivate var clearsOperands: Bool {
    switch self {
    case .MEM_SEPT_ADD, .MEM_PAGE_ADD, .MEM_PAGE_AUG, .MEM_PAGE_REMOVE, .MEM_RANGE_BLOCK: true
    default: false
    }
  }
}

/// A SEAMCALL that was made.
public struct LoggedCall: Hashable, Sendable {
  public let leaf: Leaf
  /// RAX.
  public let status: UInt64
  /// The first operand.
  let rcx: UInt64

  /// The guest-physical address, for leaves on an entry.
  public var gpa: UInt64? { isPlaced ? rcx & ~0xFFF : nil }
  public var level: Int? { isPlaced ? Int(rcx & 7) : nil }

  private var isPlaced: Bool {
    switch leaf {
    case .MEM_SEPT_ADD, .MEM_PAGE_ADD, .MEM_PAGE_AUG, .MEM_PAGE_REMOVE, .MEM_RANGE_BLOCK,
      .MEM_RANGE_UNBLOCK, .MEM_SEPT_REMOVE:
      true
    default: false
    }
  }
}
