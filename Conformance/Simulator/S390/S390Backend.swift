import ConformanceKit

/// KVM on s390 as a backend: one VM with two vCPUs and three pages, in calls as the specs name
/// them.
///
/// Pages are `p0` to `p2`, vCPUs `v0` and `v1`. An ioctl's `caller` of `foreign` is a process that
/// only has the descriptors; `argument` says whether `struct kvm_pv_cmd` can be read and written
/// back, `flags` that it has some. After `exit_mmap` such a process makes the calls anyway.
public struct S390Backend: Backend {
  var host: S390Host
  private let make: @Sendable () -> S390Host
  /// Lets threads take turns; nil for a backend that one thread uses.
  let scheduler: Scheduler?
  var racing = Racing()
  private let faults: [Fault]
  var lp = 0

  /// - Parameters:
  ///   - profile: the kernel.
  ///   - faults: mistakes that it makes, or the Ultravisor.
  ///   - survey: told of the places that faults can be at.
  ///   - scheduler: lets threads take turns. Copies of a backend share the machine.
  public init(
    _ profile: S390Profile, faults: [Fault] = [], survey: FaultSurvey? = nil,
    scheduler: Scheduler? = nil
  ) {
    self.faults = faults
    self.scheduler = scheduler
    make = {
      S390Host(
        profile, faults: faults, survey: survey, baton: scheduler.map { Baton($0) } ?? Baton())
    }
    host = make()
  }

  public mutating func probe() throws(BackendError) -> Profile {
    var capabilities: Set<Capability> = ["KVM_CAP_S390_PROTECTED", .complaints]
    if host.profile.isAsync, host.profile.allowsAsync {
      capabilities.insert("KVM_CAP_S390_PROTECTED_ASYNC_DISABLE")
    }
    if scheduler != nil { capabilities.insert(.race) }
    var details = ["kernel": host.profile.name]
    details["faults"] = Fault.text(faults)
    return Profile(backend: "simulator:s390", capabilities: capabilities, details: details)
  }

  public mutating func reset() throws(BackendError) { host = make() }

  public mutating func perform(_ call: Call) throws(BackendError) -> CallResult {
    let given = S390Arguments(call)
    var kernel = KernelCall("S390.\(Self.place(call.name))", process: 0, lp: lp)
    let holdsFile = call.name.hasPrefix("KVM_")
    if holdsFile {
      guard !host.machine.isClosed else { return CallResult(.errno(KernelError.EBADF.errno)) }
      host.machine.users += 1
    }
    let result: Result<Outcome, KVMStop>
    do {
      result = .success(try dispatch(given, &kernel))
    } catch let error as KVMStop {
      kernel.hasFailed = true
      result = .failure(error)
    } catch let error as BackendError {
      if holdsFile { host.machine.users -= 1 }
      throw error
    } catch {
      throw BackendError(.lost, "\(error)")
    }
    host.dropAll(&kernel)
    if holdsFile {
      host.machine.users -= 1
      host.baton.point(.effect, "the file")
    }
    return answer(result, kernel)
  }

  /// The call's name in places of faults, which have no spaces.
  private static func place(_ name: String) -> String {
    switch name {
    case "reclaim takes the page away", "madvise(MADV_PAGEOUT)": "reclaim"
    case "the VMM accesses a page": "access"
    default: name
    }
  }

  private func answer(_ result: Result<Outcome, KVMStop>, _ kernel: KernelCall) -> CallResult {
    switch result {
    case .success(let outcome):
      if case .error(let late)? = kernel.late {
        return CallResult(.errno(late.errno), written: kernel.written)
      }
      return CallResult(outcome, written: kernel.written)
    case .failure(.error(let error)):
      return CallResult(.errno(error.errno), written: kernel.written)
    case .failure(.stuck): return CallResult(.timeout, written: kernel.written)
    }
  }

  /// What can be seen of KVM and the Ultravisor, in the names and words of the specs.
  public mutating func observe() throws(BackendError) -> [ObservationID: Value] {
    let (machine, mm) = (host.machine, host.mm)
    var seen: [ObservationID: Value] = [
      "protected_count": .text("\(mm.count)"),
      "mmu_notifier": .text("\(machine.notifier)"),
      "dumping": .text("\(machine.isDumping)"),
      "need_cleanup": .text("\(machine.needCleanup.count)"),
    ]
    for vcpu in machine.vcpus {
      seen[ObservationID("vcpu_protected[v\(vcpu.number)]")] = .text("\(vcpu.handle != nil)")
    }
    for page in mm.pages {
      let security = page.frame.flatMap { host.uv.frames[$0]?.security }
      seen[ObservationID("security[p\(page.number)]")] = .text(security.map { "\($0)" } ?? "open")
      seen[ObservationID("PG_arch_1[p\(page.number)]")] = .text("\(page.isFlagged)")
      seen[ObservationID("guest_entry[p\(page.number)]")] = .text("\(page.hasEntry)")
      seen[ObservationID("page[p\(page.number)]")] = .text(page.frame == nil ? "away" : "mapped")
    }
    return seen
  }

  /// The process and the VM end; what went wrong, and what is left.
  public mutating func conclude() throws(BackendError) -> [String] {
    _ = try perform(Call("exit_mmap"))
    _ = try perform(Call("kvm_destroy_vm"))
    return host.leftovers
  }

  /// Every way with one preemption. A thread that waits for ever times out.
  public mutating func race(
    _ threads: [[Call]], attempt: Int
  ) throws(BackendError) -> [[CallResult]]? {
    guard let scheduler else { throw BackendError(.unknownCall, "it makes no calls at once") }
    let callers = threads.indices.map { number -> Racing.Caller in
      let thread = S390Thread(self, lp: number)
      return { thread.answer($0) }
    }
    return try racing.run(threads, attempt: attempt, scheduler, callers)
  }
}

/// A thread's own copy of a backend; the machine behind the copies is one.
private final class S390Thread: @unchecked Sendable {
  private var backend: S390Backend

  init(_ backend: S390Backend, lp: Int) {
    self.backend = backend
    self.backend.lp = lp
  }

  func answer(_ call: Call) -> Result<CallResult, BackendError> {
    Result { () throws(BackendError) in try backend.perform(call) }
  }
}
