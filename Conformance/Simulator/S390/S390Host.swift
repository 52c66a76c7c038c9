import ConformanceKit

/// KVM on s390 with one VM that can be protected, its process, and the Ultravisor; written from
/// s390-pv §1.
///
/// Calls run on the calling thread and hand the baton on at each lock, each visible effect and each
/// call of the Ultravisor.
final class S390Host: SimulatedKernel, @unchecked Sendable {
  let profile: S390Profile
  let baton: Baton
  var fault: ActiveFaults
  let hasFault: Bool
  let memory = HostFrames()
  let uv: Ultravisor
  let mm = ProcessMemory(pages: 3)
  let machine: ProtectedMachine
  /// Allocations that fail the next time, because the test says so.
  var starved: Set<Allocation> = []
  /// A fatal signal waits for whoever calls PERFORM.
  var hasSignal = false
  /// Tables given up because a test had a configuration stay.
  var tablesLost: Set<Int> = []
  /// What KVM or the memory management did wrong.
  var complaints: [String] = []

  /// What is allocated (s390-pv §3.2).
  enum Allocation: String, CaseIterable {
    case notifier
    /// What the Ultravisor asks for, of a configuration.
    case storage
    /// The same, of a CPU.
    case cpu
    case record
    case table
    /// The header of SET_SEC_PARMS, the buffer of a dump.
    case buffer
  }

  init(_ profile: S390Profile, faults: [Fault], survey: FaultSurvey?, baton: Baton) {
    self.profile = profile
    self.baton = baton
    fault = ActiveFaults(faults, survey)
    hasFault = fault.isActive
    uv = Ultravisor(
      memory, hasFastDestroy: profile.hasFastDestroy, faults: faults, survey: survey,
      baton: baton)
    machine = ProtectedMachine(table: memory.allocate("a top-level table"), vcpus: 2)
  }
}

// MARK: What calls have in common

extension S390Host {
  /// Nil when there is no memory.
  func allocate(
    _ kind: Allocation, _ use: String, _ call: inout KernelCall
  ) throws(KVMStop) -> Int {
    let isStarved = starved.remove(kind) != nil
    try refuse(&call, .ENOMEM, kind.name, if: isStarved)
    return memory.allocate(use)
  }

  /// Gives a frame back. Nobody must be able to get one that is still secure, donated or a table.
  func free(_ frame: Int?, _ what: StaticString, _ call: KernelCall) {
    guard let frame else { return }
    effect(what, call) {
      if uv.isHeld(frame) {
        complaints.append("\(memory.used[frame] ?? "a frame") is freed, and still not the host's")
      }
      if !memory.free(frame) { complaints.append("\(what) is freed twice") }
    }
  }

  /// A call of the Ultravisor; its codes go to the caller of the ioctl.
  ///
  /// - Returns: nil when it failed.
  func ask<T>(
    _ call: inout KernelCall, _ body: () throws(Ultravisor.Failure) -> T
  ) -> T? {
    do throws(Ultravisor.Failure) {
      let result = try body()
      tell(&call, rc: 1, rrc: 0)
      return result
    } catch {
      tell(&call, rc: error.rc, rrc: error.rrc)
      return nil
    }
  }

  /// A call of the Ultravisor whose codes nobody sees.
  func quietly(_ body: () throws(Ultravisor.Failure) -> Void) -> Bool {
    do throws(Ultravisor.Failure) {
      try body()
      return true
    } catch {
      return false
    }
  }

  func tell(_ call: inout KernelCall, rc: UInt16, rrc: UInt16) {
    call.written["rc"] = .integer(Int64(rc))
    call.written["rrc"] = .integer(Int64(rrc))
  }

  /// Codes of a success that no call of the Ultravisor gave (s390-pv §1.2).
  func tellExecuted(_ call: inout KernelCall) {
    let name = call.name
    var told = false
    effect("codes", KernelCall(name, process: 0, lp: 0)) { told = true }
    if told { tell(&call, rc: 1, rrc: 42) }
  }

  /// What is checked before any ioctl of the VM (s390-pv §1.10).
  ///
  /// - Parameter isForeign: the caller's mm is not the one that the VM was made in.
  func checkOwner(isForeign: Bool, _ call: inout KernelCall) throws(KVMStop) {
    try refuse(&call, .EIO, "mm", if: isForeign || !mm.isAlive)
  }

  /// The prelude of KVM_S390_PV_COMMAND, a sub-command under kvm->lock, and the copy back
  /// (s390-pv §1.10).
  func command(
    _ given: PVArgument, _ call: inout KernelCall, holdsLock: Bool = true,
    _ body: (inout KernelCall) throws(KVMStop) -> Void
  ) throws(KVMStop) {
    try checkOwner(isForeign: given.isForeign, &call)
    try refuse(&call, .EFAULT, "argument", if: given.memory == .unreadable)
    try refuse(&call, .EINVAL, "flags", if: given.hasFlags)
    if holdsLock { try take(machine.lock, &call) }
    var failure: KVMStop?
    do throws(KVMStop) { try body(&call) } catch { failure = error }
    if holdsLock { drop(machine.lock, &call) }
    if failure == .stuck { throw .stuck }
    try refuse(&call, .EFAULT, "copy back", if: given.memory == .readOnly)
    if let failure { throw failure }
  }
}

extension S390Host.Allocation {
  /// The name of the check that it has succeeded.
  var name: StaticString {
    switch self {
    case .notifier: "notifier memory"
    case .storage: "storage memory"
    case .cpu: "cpu memory"
    case .record: "record memory"
    case .table: "table memory"
    case .buffer: "buffer memory"
    }
  }
}

/// struct kvm_pv_cmd, and who hands it over.
struct PVArgument {
  enum Memory: String {
    case fine
    case unreadable
    case readOnly
  }

  var isForeign = false
  var memory = Memory.fine
  var hasFlags = false
}
