import ConformanceKit

extension S390Backend {
  /// Makes the call.
  func dispatch(_ given: S390Arguments, _ kernel: inout KernelCall) throws -> Outcome {
    let name = given.call.name
    if name.hasPrefix("KVM_PV_"), name != "KVM_PV_CPU_COMMAND" {
      try command(given, &kernel)
      return executed(kernel) ? .ok("0, rc 1 rrc 42") : .ok(0)
    }
    let isForeign = try given.isForeign
    switch name {
    case "KVM_RUN":
      let page = host.mm.pages[try given.number("p", below: host.mm.pages.count)]
      switch try host.run(try vcpu(given), page, isForeign: isForeign, &kernel) {
      case .touched: break
      case .segfault: return .signal(11)
      case .invalid: return .exit("KVM_EXIT_S390_SIEIC", nil)
      }
    case "KVM_SET_USER_MEMORY_REGION":
      try host.changeMemslots(isForeign: isForeign, &kernel)
    case "KVM_PV_CPU_COMMAND":
      let isKnown =
        given.has("command")
        ? try given.choice("command", ["dump": true, "unknown": false]) : true
      try host.dumpCPU(try vcpu(given), isForeign: isForeign, isKnown: isKnown, &kernel)
    case "KVM_SET_ONE_REG":
      try host.setRegister(try vcpu(given), isForeign: isForeign, &kernel)
    case "KVM_S390_MEM_OP": try host.operateOnMemory(isForeign: isForeign, &kernel)
    case "KVM_S390_VM_TOD": try host.setClock(isForeign: isForeign, &kernel)
    case "KVM_SET_MP_STATE": try host.loadState(try vcpu(given), isForeign: isForeign, &kernel)
    default: return try event(given, &kernel)
    }
    return .ok(0)
  }

  private func executed(_ kernel: KernelCall) -> Bool {
    kernel.late == nil && kernel.written["rc"] == 1 && kernel.written["rrc"] == 42
  }

  private func vcpu(_ given: S390Arguments) throws(BackendError) -> ProtectedCPU {
    host.machine.vcpus[try given.number("v", below: host.machine.vcpus.count)]
  }

  private func page(_ given: S390Arguments) throws(BackendError) -> GuestFrame {
    host.mm.pages[try given.number("p", below: host.mm.pages.count)]
  }

  /// KVM_S390_PV_COMMAND.
  private func command(_ given: S390Arguments, _ kernel: inout KernelCall) throws {
    let argument = try given.command
    switch given.call.name {
    case "KVM_PV_ENABLE": try host.enable(argument, &kernel)
    case "KVM_PV_DISABLE": try host.disable(argument, &kernel)
    case "KVM_PV_ASYNC_CLEANUP_PREPARE" where host.profile.isAsync:
      try host.prepare(argument, &kernel)
    case "KVM_PV_ASYNC_CLEANUP_PERFORM" where host.profile.isAsync:
      try host.performCleanup(argument, &kernel)
    case "KVM_PV_SET_SEC_PARMS":
      try host.setParameters(argument, try given.name("header", .fine), &kernel)
    case "KVM_PV_UNPACK":
      let page = given.has("p") ? try page(given) : host.mm.pages[0]
      try host.unpack(argument, try given.name("data", .fine), page, &kernel)
    case "KVM_PV_VERIFY":
      let uv = host.uv
      try host.pass(argument, &kernel) { (handle) throws(Ultravisor.Failure) in
        try uv.verify(handle)
      }
    case "KVM_PV_PREP_RESET":
      let uv = host.uv
      try host.pass(argument, &kernel) { (handle) throws(Ultravisor.Failure) in
        try uv.prepareReset(handle)
      }
    case "KVM_PV_UNSHARE_ALL":
      let uv = host.uv
      try host.pass(argument, &kernel) { (handle) throws(Ultravisor.Failure) in
        try uv.unshareAll(handle)
      }
    case "KVM_PV_INFO": try host.info(argument, try given.name("info", .fine), &kernel)
    case "KVM_PV_DUMP": try host.dump(argument, try given.name("dump", .start), &kernel)
    default: try host.unknownCommand(argument, &kernel)
    }
  }

  /// What is not a call of the VMM's.
  private func event(_ given: S390Arguments, _ kernel: inout KernelCall) throws -> Outcome {
    let uv = host.uv
    switch given.call.name {
    case "exit_mmap": try host.exitProcess(&kernel)
    case "kvm_destroy_vm": try host.destroyMachine(&kernel)
    case "reclaim takes the page away", "madvise(MADV_PAGEOUT)":
      try host.reclaim(try page(given), &kernel)
    case "the VMM accesses a page":
      return try host.access(try page(given), &kernel) ? .ok(0) : .signal(11)
    case "the guest shares a page":
      let page = try page(given)
      if let frame = page.frame, let owner = uv.frames[frame]?.owner { uv.share(owner, frame) }
    case "the guest takes a shared page back":
      let page = try page(given)
      if let frame = page.frame, let owner = uv.frames[frame]?.owner { uv.unshare(owner, frame) }
    case "a fatal signal comes": host.hasSignal = true
    case "the next allocation fails": host.starved.insert(try given.allocation)
    case "the next call of the Ultravisor fails":
      uv.refusals[try given.ultravisorCall] = Ultravisor.Failure(rc: 0x888)
    default: throw BackendError(.unknownCall, "there is no call \(given.call.name)")
    }
    return .ok(0)
  }
}

/// The arguments of a call, by name.
struct S390Arguments {
  let call: Call

  init(_ call: Call) { self.call = call }

  func has(_ name: String) -> Bool { call.arguments[name] != nil }

  private func text(_ name: String) -> String? {
    guard case .text(let text)? = call.arguments[name] else { return nil }
    return text
  }

  /// The number of an element such as `p1`.
  func number(_ name: String, below count: Int) throws(BackendError) -> Int {
    guard let number = text(name).flatMap({ Int($0.dropFirst()) }), (0..<count).contains(number)
    else { throw wrong(name) }
    return number
  }

  /// A case of an enumeration; the usual one when there is no argument.
  func name<T: RawRepresentable<String>>(
    _ name: String, _ usual: T
  ) throws(BackendError) -> T {
    guard has(name) else { return usual }
    guard let found = text(name).flatMap({ T(rawValue: $0) }) else { throw wrong(name) }
    return found
  }

  /// One of two words.
  func choice(_ name: String, _ words: [String: Bool]) throws(BackendError) -> Bool {
    guard let found = text(name).flatMap({ words[$0] }) else { throw wrong(name) }
    return found
  }

  var isForeign: Bool {
    get throws(BackendError) {
      guard has("caller") else { return false }
      return try choice("caller", ["owner": false, "foreign": true])
    }
  }

  /// What is handed to KVM_S390_PV_COMMAND.
  var command: PVArgument {
    get throws(BackendError) {
      PVArgument(
        isForeign: try isForeign, memory: try name("argument", .fine),
        hasFlags: call.arguments["flags"] == true)
    }
  }

  var allocation: S390Host.Allocation {
    get throws(BackendError) {
      guard let found = text("of").flatMap(S390Host.Allocation.init(rawValue:)) else {
        throw wrong("of")
      }
      return found
    }
  }

  var ultravisorCall: UltravisorCall {
    get throws(BackendError) {
      guard let found = text("of").flatMap(UltravisorCall.init(rawValue:)),
        UltravisorCall.refusable.contains(found)
      else {
        throw wrong("of")
      }
      return found
    }
  }

  private func wrong(_ name: String) -> BackendError {
    let given = call.arguments[name].map { "\($0)" } ?? "absent"
    return BackendError(.unknownCall, "\(call.name): \(name) is \(given)")
  }
}
