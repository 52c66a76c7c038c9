import ConformanceKit

/// The TDX module as a backend: calls are leaves with named operands, as in recordings of it.
///
/// A call's `lp` says which logical processor makes it; `irq_after`, `pconfig`, `version` and
/// `tsc_adjust_changed` say what the machine does meanwhile. The outcome is the status by name, or
/// `IN_GUEST` when a vCPU was entered.
public struct ModuleBackend: Backend {
  public private(set) var module: TDXModule
  var names = ModuleNames()
  private let faults: [Fault]
  private let survey: FaultSurvey?
  /// Lets threads take turns; nil for a backend that one thread uses.
  let scheduler: Scheduler?
  var racing = Racing()

  /// - Parameters:
  ///   - faults: mistakes that the module makes.
  ///   - survey: told of the places that faults can be at.
  ///   - scheduler: lets threads take turns. Copies of a backend share the module.
  public init(faults: [Fault] = [], survey: FaultSurvey? = nil, scheduler: Scheduler? = nil) {
    self.faults = faults
    self.survey = survey
    self.scheduler = scheduler
    module = Self.start(faults, survey, scheduler)
  }

  private static func start(
    _ faults: [Fault], _ survey: FaultSurvey?, _ scheduler: Scheduler?
  ) -> TDXModule {
    let baton = scheduler.map { Baton($0) } ?? Baton()
    let module = TDXModule(ModuleNames.platform, faults: faults, survey: survey, baton: baton)
    for (number, given) in ModuleNames.parameters.enumerated() {
      module.parameters[ModuleNames.firstParameters + UInt64(number) << 12] = given.value
    }
    return module
  }

  public mutating func probe() throws(BackendError) -> Profile {
    var details = ["module": "1.5.01"]
    details["faults"] = Fault.text(faults)
    let leaves = Leaf.allCases.map { Capability("seamcall:\($0.text)") }
    let races: [Capability] = scheduler == nil ? [] : [.race]
    return Profile(
      backend: "simulator:module",
      capabilities: Set(leaves + races + ["guest-events", .complaints]),
      details: details)
  }

  public mutating func reset() throws(BackendError) {
    module = Self.start(faults, survey, scheduler)
    names = ModuleNames()
  }

  public mutating func perform(_ call: Call) throws(BackendError) -> CallResult {
    let given = ModuleArguments(call)
    let lp = try given.number("lp")
    if let event = try guestEvent(call.name, given) { return guest(event, lp: lp) }
    guard let leaf = Leaf(text: call.name) else {
      throw BackendError(.unknownCall, "the module has no leaf \(call.name)")
    }
    var registers = Registers(leaf, version: UInt64(try given.number("version", default: 0)))
    try load(&registers, leaf, given)
    let asked = registers
    let end = module.seamcall(&registers, lp: lp, disturbance: try disturbance(given))
    guard end == .returned else { return CallResult(.ok("IN_GUEST")) }
    let status = registers.status
    var result = answer(status)
    result.written.merge(outputs(leaf, registers, asked: asked)) { _, new in new }
    if !status.isError { bind(leaf, asked, given) }
    return result
  }

  private func answer(_ status: ModuleStatus) -> CallResult {
    var result = CallResult(.ok(.text(status.name?.text ?? "unknown")))
    result.written["code"] = .word(status.code)
    if let operand = OperandID(rawValue: status.detail), status.namesOperand {
      result.written["operand"] = .text("\(operand)")
    }
    return result
  }

  private func disturbance(_ given: ModuleArguments) throws(BackendError) -> Disturbance {
    var disturbance = Disturbance()
    disturbance.quietLooks = try given.optionalNumber("irq_after")
    disturbance.tscAdjustChanged = given.flag("tsc_adjust_changed")
    switch given.text("pconfig") {
    case nil: break
    case "busy": disturbance.keyProgramming = .busy
    case "error": disturbance.keyProgramming = .fails
    case let other?: throw BackendError(.unknownCall, "pconfig is \(other)")
    }
    return disturbance
  }

  private func guestEvent(
    _ name: String, _ given: ModuleArguments
  ) throws(BackendError) -> GuestEvent? {
    switch name {
    case "GUEST.EXIT":
      guard let why = given.text("reason").flatMap(GuestEvent.Departure.init) else {
        throw BackendError(.unknownCall, "no such reason to leave")
      }
      return .leave(why)
    case "GUEST.ACCESS": return .read(gpa: try given.gpa())
    case "TDG.MEM.PAGE.ACCEPT":
      return .accept(rcx: try given.gpa() | UInt64(try given.number("level")))
    default: return nil
    }
  }

  private mutating func guest(_ event: GuestEvent, lp: Int) -> CallResult {
    switch module.guest(event, lp: lp) {
    case .noGuest: return CallResult(.errno(Errno(number: 3)))
    case .resumed(nil):
      return CallResult(.ok("resumed"), written: ["guest": "resumed"])
    case .value(let value):
      var result = CallResult(.ok("resumed"), written: ["guest": "resumed"])
      if let value { result.written["value"] = .word(value) }
      return result
    case .resumed(let status?):
      var result = answer(status)
      result.written["guest"] = "resumed"
      return result
    case .left(let registers):
      var result = answer(registers.status)
      result.written["guest"] = "exited"
      let reason = registers.status.detail
      if reason == TDXModule.violation { result.written["exit_reason"] = .word(UInt64(reason)) }
      return result
    }
  }

  private mutating func bind(_ leaf: Leaf, _ asked: Registers, _ given: ModuleArguments) {
    switch leaf {
    case .MNG_CREATE:
      if let name = given.text("td") { names[name] = asked.rcx }
    case .VP_CREATE:
      if let name = given.text("vcpu") { names[name] = asked.rcx }
    case .PHYMEM_PAGE_RECLAIM:
      guard let name = names.name(of: asked.rcx) else { return }
      names[name] = nil
      guard name.hasPrefix("td:") else { return }
      for vcpu in 0..<2 { names["vcpu:\(name.dropFirst(3)).\(vcpu)"] = nil }
    default: break
    }
  }
}

extension ModuleStatus {
  /// Statuses whose low half is an operand id.
  var namesOperand: Bool {
    switch name {
    case .OPERAND_INVALID, .OPERAND_ADDR_RANGE_ERROR, .OPERAND_BUSY, .PAGE_METADATA_INCORRECT:
      true
    case .EPT_WALK_FAILED, .EPT_ENTRY_NOT_PRESENT, .GPA_RANGE_NOT_BLOCKED,
      .GPA_RANGE_ALREADY_BLOCKED, .TLB_TRACKING_NOT_DONE, .EPT_INVALID_PROMOTE_CONDITIONS,
      .EPT_ENTRY_STATE_INCORRECT, .EPT_PAGE_NOT_FREE:
      detail != 0
    default: false
    }
  }
}
