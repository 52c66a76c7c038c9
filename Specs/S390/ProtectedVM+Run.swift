import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// The guest touches a page (s390-pv §1.6, §1.7).
extension ProtectedVM {
  static let touches = "SIE: the guest touches the page"
  static let wipes = "the page of somebody else is destroyed, or exported"
  static let freezes = "finds the page, freezes its references"
  static let leavesSIE = "leaves SIE"
  static let imports = "Convert To Secure"

  private var fault: Local<GuestFault> { Self.faultLocal }
  private var exportsFirst: Local<Bool> { Self.exportLocal }
  private static let exportsName = "more than one guest in the mm"
  private static let faultLocal = Local<GuestFault>("why the guest left SIE")
  private static let exportLocal = Local<Bool>(Self.exportsName)

  /// KVM_RUN, as far as one page is concerned. What the guest touches next is the next call.
  var run: Action {
    Action(
      Self.runName, taking: [v, p], by: HostThread.self, cites: "s390-pv §1.6", "s390-pv §1.7"
    ) {
      gate
      Holding(vcpuMutex[v]) {
        Repeat(while: fault == .foreign) {
          Step(Self.touches) { touchesPage }
          When(fault == .foreign) {
            Step(Self.wipes) {
              Require(!holding(folio[p])).because("the page is looked up with a reference")
              When(place[p] == .mapped) { cleans(p.element) }
            }
          }
        }
        When(fault == .open) {
          Holding(folio[p]) {
            Step(Self.freezes) {
              place[p] <- .mapped
              entry[p] <- true
              flagged[p] <- true
              When(exportsFirst) { uv.opens(p.element) }
            }
            Step(Self.imports) { importsPage }
          }
        }
      }
    }
  }

  @StatementBuilder
  private var touchesPage: [Statement] {
    exportsFirst <- (count > 1 && misc == 0)
    When(protected[v]) {
      fault
        <- choose(
          isMine, GuestFault.none,
          else: choose(isHidden, GuestFault.foreign, else: GuestFault.open))
    } else: {
      fault <- choose(isHidden, GuestFault.foreign, else: .none)
      When(!isHidden) {
        place[p] <- .mapped
        entry[p] <- true
      }
    }
  }

  private var isMine: Condition {
    place[p] == .mapped && uv.owner[p] == handle && uv.security[p] != .open
  }

  /// Secure, and not for this CPU.
  private var isHidden: Condition {
    let p = p.element
    return place[p] == .mapped && uv.isSecret(p)
      && (!protected[v] || uv.owner[p] != handle)
  }

  /// The page is nobody's, or was exported, or is the guest's own (s390-pv §1.4, rules 1 and 2).
  @StatementBuilder
  private var importsPage: [Statement] {
    let p = p.element
    let isShared = uv.security[p] == .shared
    When(uv.security[p] == .open || uv.owner[p] == handle || isShared && misc == 1) {
      uv.security[p] <- .secure
      uv.owner[p] <- handle
    } else: {
      Return(.segfault)
    }
  }

  /// A vCPU that is no secure CPU: where the guest's table is, is read once (s390-pv §1.9).
  var runPlain: Action {
    Action(
      Self.plainRun, taking: [v], by: HostThread.self, cites: "s390-pv §1.9", "s390-pv §6.3"
    ) {
      gate(if: vm == .open && plain == 1)
      Holding(vcpuMutex[v]) {
        Step("enters SIE") { When(protected[v]) { Return(.ok) } }
        Step(Self.leavesSIE) { oldTable[v] <- nil }
      }
    }
  }

  /// The guest's own instructions (s390-pv §1.4).
  var share: Action {
    Action("the guest shares a page", each: Page.self, cites: "s390-pv §1.4") { p in
      Require(sharing == 1 && isRunning && uv.owner[p] == handle && uv.security[p] == .secure)
      uv.security[p] <- .shared
    }
  }

  var unshare: Action {
    Action("the guest takes a shared page back", each: Page.self, cites: "s390-pv §1.4") { p in
      Require(isRunning && uv.owner[p] == handle && uv.security[p] == .shared)
      uv.security[p] <- .secure
    }
  }

  /// Some vCPU can run the protected guest.
  var isRunning: Condition { isProtected && exists(VCPU.self) { v in protected[v] } }
}
