/// What a guest does on the LP that it runs on.
public enum GuestEvent: Hashable, Sendable {
  /// An interrupt, a TDG.VP.VMCALL, a triple fault, or an interrupt with the local APIC disabled.
  case leave(Departure)
  /// A read of a private page.
  case read(gpa: UInt64)
  /// A write of a private page.
  case write(gpa: UInt64, value: UInt64)
  /// TDG.MEM.PAGE.ACCEPT with its RCX.
  case accept(rcx: UInt64)
  /// TDG.MEM.PAGE.ACCEPT that an interrupt stops after so many 4 KB pages.
  case acceptPart(rcx: UInt64, pages: Int)

  /// Why a guest leaves by itself.
  public enum Departure: String, Hashable, Sendable, CaseIterable {
    case interrupt
    case vmcall
    case tripleFault = "triple_fault"
    case apicDisabled = "apic_disabled"

    /// The exit reason that RAX[31:0] has.
    var reason: UInt32 {
      switch self {
      case .interrupt, .apicDisabled: 1
      case .vmcall: 77
      case .tripleFault: 2
      }
    }
  }
}

/// What came of it.
public enum GuestEnd: Hashable, Sendable {
  /// The guest goes on; with the status of a TDCALL, if it was one.
  case resumed(ModuleStatus?)
  /// The guest goes on and has read this; nil is not what was ever written there.
  case value(UInt64?)
  /// The vCPU left: the registers that VP.ENTER returns.
  case left(Registers)
  /// No guest runs on the LP.
  case noGuest
}
