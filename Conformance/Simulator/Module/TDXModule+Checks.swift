extension TDXModule {
  /// Answers with the status if the condition holds.
  @inline(__always)
  func refuse(
    _ call: inout Seamcall, _ status: ModuleStatus, if condition: Bool
  ) throws(ModuleStatus) {
    if hasFault { return try refuseWithFault(&call, status, condition) }
    if condition { throw status }
  }

  @inline(__always)
  func refuse(
    _ call: inout Seamcall, _ name: StatusName, if condition: Bool
  ) throws(ModuleStatus) {
    try refuse(&call, ModuleStatus(name), if: condition)
  }

  @inline(__always)
  func refuse(
    _ call: inout Seamcall, _ name: StatusName, _ operand: OperandID, if condition: Bool
  ) throws(ModuleStatus) {
    try refuse(&call, ModuleStatus(name, operand), if: condition)
  }

  private func refuseWithFault(
    _ call: inout Seamcall, _ status: ModuleStatus, _ condition: Bool
  ) throws(ModuleStatus) {
    let late = call.late
    call.late = nil
    defer { if condition { fault.hasRefused = true } }
    switch fault.at(.check, call.name, status.description) {
    case .missingCheck: break
    case .wrongAnswer: if condition { throw ModuleStatus(.OPERAND_INVALID, .R9) }
    case .extraRefusal, .extraGuard: throw status
    case .lateCheck: if condition { call.late = status }
    default: if condition { throw status }
    }
    if let late { throw late }
  }

  /// Something that others can see: they may come in between before it.
  @inline(__always)
  func effect(_ name: StaticString, _ call: Seamcall, _ change: () -> Void) {
    baton.point(.effect, "\(name)")
    if hasFault {
      switch fault.at(.effect, call.name, "\(name)") {
      case .missingEffect, .effectStops: return
      case .effectTwice: change()
      default: break
      }
    }
    change()
  }

  /// A limit, which a fault makes one too high.
  @inline(__always)
  func limit(_ name: StaticString, _ call: Seamcall, _ value: Int) -> Int {
    guard hasFault, fault.at(.limit, call.name, "\(name)") == .limitTooHigh else { return value }
    return value + 1
  }
}
