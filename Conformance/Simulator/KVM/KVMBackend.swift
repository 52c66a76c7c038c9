import ConformanceKit

/// KVM as a backend: ioctls and system calls of one process, and of children it forks for a call.
///
/// Objects have names: `dev` is /dev/kvm, others get theirs from the argument `new`, or from the
/// call's ``Call/binds``. An argument `by` of `child` has a forked child make the call and exit.
public struct KVMBackend: Backend {
  public private(set) var host: KVMHost
  var process = Process(id: 1)
  /// The LP that calls are made on.
  public var lp = 0
  private var lastProcess = 1
  private let make: @Sendable () -> KVMHost
  /// Who lets threads take turns; nil for a backend that one thread uses.
  let scheduler: Scheduler?
  var racing = Racing()

  /// - Parameters:
  ///   - profile: the kernel.
  ///   - cpus: how many CPUs the machine has.
  ///   - hasModule: a simulated TDX module decides; otherwise a stand-in accepts every SEAMCALL.
  ///   - faults: mistakes to make.
  ///   - survey: told of the places that faults can be at.
  ///   - scheduler: lets threads take turns. Copies of a backend share the machine and the process.
  public init(
    _ profile: KernelProfile, cpus: Int = 2, hasModule: Bool = false, faults: [Fault] = [],
    survey: FaultSurvey? = nil, scheduler: Scheduler? = nil
  ) {
    self.scheduler = scheduler
    make = {
      KVMHost(
        profile, cpus: cpus, hasModule: hasModule, faults: faults, survey: survey,
        baton: scheduler.map { Baton($0) } ?? Baton())
    }
    host = make()
  }

  public mutating func probe() throws(BackendError) -> Profile {
    var capabilities = Set(host.profile.types.map { Capability("vm-type:\($0)") })
    capabilities.insert("KVM_CAP_GUEST_MEMFD")
    if host.profile.hasAttributes { capabilities.insert("KVM_CAP_MEMORY_ATTRIBUTES") }
    capabilities.insert(.complaints)
    if scheduler != nil { capabilities.insert(.race) }
    if host.profile.hasPrefault { capabilities.insert("KVM_CAP_PRE_FAULT_MEMORY") }
    var details = ["kernel": host.profile.name]
    details["faults"] = Fault.text(host.fault.faults)
    return Profile(backend: "simulator:kvm", capabilities: capabilities, details: details)
  }

  public mutating func reset() throws(BackendError) {
    // Objects refer to each other until they are torn down.
    endProcess()
    host = make()
    process = Process(id: 1)
    lastProcess = 1
  }

  public mutating func perform(_ call: Call) throws(BackendError) -> CallResult {
    let given = KVMArguments(call: call)
    if call.name == "exit" {
      endProcess()
      return CallResult(.ok(0))
    }
    guard given.text("by") == "child" else { return try perform(given) }
    lastProcess += 1
    let parent = process
    process = parent.forked(id: lastProcess)
    let result: CallResult
    do throws(BackendError) {
      result = try perform(given)
    } catch {
      endProcess()
      process = parent
      throw error
    }
    endProcess()
    process = parent
    return result
  }

  private mutating func perform(_ given: KVMArguments) throws(BackendError) -> CallResult {
    var kernel = KernelCall(given.call.name, process: process.id, lp: lp)
    let used = hold(given)
    let result: Result<Int, KVMStop>
    do {
      result = .success(try dispatch(given, &kernel))
    } catch let error as KVMStop {
      kernel.hasFailed = true
      result = .failure(error)
    } catch let error as BackendError {
      throw error
    } catch {
      throw BackendError(.lost, "\(error)")
    }
    host.dropAll(&kernel)
    for file in used { drop(file, &kernel) }
    host.dropAll(&kernel)
    switch result {
    case .success(let value):
      if case .error(let late)? = kernel.late { return CallResult(.errno(late.errno)) }
      return CallResult(.ok(.integer(Int64(value))), written: kernel.written)
    case .failure(.error(let error)):
      return CallResult(.errno(error.errno), written: kernel.written)
    case .failure(.stuck): return CallResult(.timeout, written: kernel.written)
    }
  }

  /// The files that a call refers to until it returns, whoever closes their descriptors meanwhile.
  private func hold(_ given: KVMArguments) -> [OpenFile] {
    guard given.call.name != "close" else { return [] }
    let files = ["on", "gmem"].compactMap { given.text($0).flatMap { process[$0] } }
    for file in files { file.references += 1 }
    return files
  }

  /// The process ends. Its mappings go first, then its descriptors from the lowest on; but what
  /// their files hold is released by deferred work, the last of it first (kvm-tdx §2.11).
  mutating func endProcess() {
    var kernel = KernelCall("exit", process: process.id, lp: lp)
    let open = process.files.sorted { $0.key < $1.key }.map(\.value)
    var released: [OpenFile] = []
    for file in process.space.removeAll() + open {
      file.references -= 1
      if file.references == 0 { released.append(file) }
    }
    for file in released.reversed() { release(file, &kernel) }
    process.files = [:]
    process.numbers = [:]
    host.dropAll(&kernel)
  }

  /// One reference to a file less; the last one releases what it stands for.
  func drop(_ file: OpenFile, _ kernel: inout KernelCall) {
    file.references -= 1
    if file.references == 0 { release(file, &kernel) }
  }

  private func release(_ file: OpenFile, _ kernel: inout KernelCall) {
    do throws(KVMStop) {
      switch file.object {
      case .device: break
      case .machine(let machine): try host.put(machine, &kernel)
      case .vcpu(let vcpu): try host.put(vcpu.machine, &kernel)
      case .memory(let memory): try host.release(memory, &kernel)
      }
    } catch {
      host.warnings.append("a release got stuck")
    }
  }

  public mutating func observe() throws(BackendError) -> [ObservationID: Value] {
    var seen: [ObservationID: Value] = [:]
    for name in process.numbers.keys {
      guard let file = process[name] else { continue }
      switch file.object {
      case .device, .vcpu: break
      case .machine(let machine):
        seen[ObservationID("\(name).dead")] = .flag(machine.isDead)
        seen[ObservationID("\(name).slots")] = .integer(Int64(machine.slots.count))
        seen[ObservationID("\(name).private")] = .integer(
          Int64(machine.privateFrames.ranges.reduce(0) { $0 + $1.count }))
        seen[ObservationID("\(name).vcpus")] = .integer(Int64(machine.vcpus.count))
      case .memory(let memory):
        seen[ObservationID("\(name).pages")] = .integer(Int64(memory.pages.count))
        seen[ObservationID("\(name).bindings")] = .integer(Int64(memory.bindings.count))
      }
    }
    return seen
  }
}
