import SpecLanguage

extension TDXModule {
  enum ExitReason: EnumDomain { case interrupt, vmcall, triple_fault, apic_disabled }

  @ListBuilder<Action> var guestEvents: [Action] {
    exit
    access
    accept
  }

  /// The vCPU on an LP and its TD.
  private func guest(on lp: Expr<LP>) -> (v: Expr<VCPU>, t: Expr<TD>) {
    let v: Expr<VCPU> = inGuest[lp].value()
    return (v, vcpuTD[v].value())
  }

  private func inGuestMode(_ lp: Expr<LP>) -> Statement {
    Require(inGuest[lp] != nil).because("only a vCPU in the guest does this", "tdx-module §13.6")
  }

  // MARK: Ways out

  /// The vCPU is out and its locks are released.
  @StatementBuilder private func leave(
    _ lp: Expr<LP>, _ v: Expr<VCPU>, _ t: Expr<TD>, as state: VCPUState?
  ) -> [Statement] {
    inGuest[lp] <- nil
    refcount[t, parity(vcpuEpoch[v])] <- refcount[t, parity(vcpuEpoch[v])] - 1
    if let state { vcpuState[v] <- state }
  }

  /// Another vCPU made the TD fatal: nothing of it may be touched any more.
  private func leaveFatal(_ lp: Expr<LP>, _ t: Expr<TD>, _ reason: UInt32) -> Statement {
    When(fatal[t]) {
      inGuest[lp] <- nil
      Return(.tdx(.NON_RECOVERABLE_TD_NON_ACCESSIBLE, "exit reason", reason))
    }.because("the refcount stays as it is", "tdx-module §13.6")
  }

  private var exit: Action {
    Action(
      "TD exit", with: CallArgument("lp", LP.self), CallArgument("reason", ExitReason.self),
      CallArgument("long_after_entry", Bool.self), cites: ["tdx-module §13.6"]
    ) { lp, reason, longAfterEntry in
      let (v, t) = guest(on: lp)
      inGuestMode(lp)
      leaveFatal(lp, t, 1)
      When(reason == .triple_fault) {
        leave(lp, v, t, as: .VCPU_DISABLED)
        Return(.tdx(.NON_RECOVERABLE_VCPU, "exit reason", 2))
      }
      When(reason == .apic_disabled && !longAfterEntry) {
        leave(lp, v, t, as: nil)
        fatal[t] <- true
        Return(.tdx(.NON_RECOVERABLE_TD_WRONG_APIC_MODE, "exit reason", 1))
      }.because(
        "an exit right after the entry is delayed, which needs the APIC", "tdx-module §13.5")
      leave(lp, v, t, as: .VCPU_READY)
      When(reason == .vmcall) {
        Return(.tdExit(reason: 77))
      } else: {
        Return(.tdExit(reason: 1))
      }
    }
  }

  /// An access that the translation does not permit.
  private var access: Action {
    Action(
      "guest access", with: CallArgument("lp", LP.self), CallArgument("entry", EntryOperand.self),
      cites: ["tdx-module §13.4"]
    ) { lp, entry in
      let (v, t) = guest(on: lp)
      let e: Expr<Entry> = entry.element()
      inGuestMode(lp)
      Require(entry.isElement() && levelOf[e] == 0 && entryState[t, reached(t, e)] != .MAPPED)
        .because("an access that is permitted is no event", "tdx-module §13.4")
      leaveFatal(lp, t, 48)
      When(entryState[t, reached(t, e)] == .PENDING) { Return(.resumed) }
        .because("the guest gets a #VE", "tdx-module §13.4")
      leave(lp, v, t, as: .VCPU_READY)
      Return(.tdExit(reason: 48))
    }
  }

  private var accept: Action {
    Action(
      "TDG.MEM.PAGE.ACCEPT", with: CallArgument("lp", LP.self),
      CallArgument("entry", EntryOperand.self), cites: ["tdx-module §13.1"]
    ) { lp, entry in
      let (v, t) = guest(on: lp)
      let e: Expr<Entry> = entry.element()
      let found = reached(t, e)
      inGuestMode(lp)
      mayBeBad(entry.isElement())
      leaveFatal(lp, t, 77)
      Check(
        entry.isElement() && levelOf[e] <= 1, else: .tdx(.OPERAND_INVALID, .RCX))
      Check(
        !(entryState[t, found] == .MAPPED && levelOf[found] == 0),
        else: .tdx(.PAGE_ALREADY_ACCEPTED, "level", 0))
      Check(
        !(entryState[t, found] == .MAPPED && levelOf[found] == 1),
        else: .tdx(.PAGE_ALREADY_ACCEPTED, "level", 1))
      Check(
        !(found == e && entryState[t, e].in(.NL_MAPPED, .NL_BLOCKED)),
        else: .tdx(.PAGE_SIZE_MISMATCH, "level", 1))
      When(found == e && entryState[t, e] == .PENDING) {
        entryState[t, e] <- .MAPPED
      } else: {
        leave(lp, v, t, as: .VCPU_READY)
        Return(.tdExit(reason: 48))
      }
    }
  }
}
