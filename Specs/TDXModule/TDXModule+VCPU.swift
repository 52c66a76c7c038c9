import SpecLanguage

extension TDXModule {
  /// How TDH.VP.ENTER is called.
  enum EnterFlags: EnumDomain { case none, reserved_bit, host_recoverability_hint }

  @ListBuilder<Action> var vcpuLeaves: [Action] {
    vpCreate
    vpAddCX
    vpInit
    vpFlush
    vpEnter
  }

  private var vpCreate: Action {
    Action(
      "TDH.VP.CREATE", with: CallArgument("page", PageOperand.self),
      CallArgument("td", PageOperand.self), CallArgument("vcpu", VCPU.self),
      cites: ["tdx-module §9.1"]
    ) { page, td, v in
      let t = self.td(at: td)
      let p: Expr<Page> = page.element()
      tdr(td, in: .RDX, of: .vpCreate)
      state(of: t, for: .vpCreate)
      self.page(page, in: .RCX, of: .vpCreate, .page, is: .NDA, after: [td.element()])
      Require(vcpuTD[v] == nil)
        .because("a vCPU of the scope is there to be this one", "tdx-module §9.1")
      vcpuTD[v] <- t
      vcpuPages[v] <- 1
      vcpuAt[p] <- v
      children[t] <- children[t] + 1
      take(p, as: .TDVPR, for: t)
    }
  }

  private var vpAddCX: Action {
    Action(
      "TDH.VP.ADDCX", with: CallArgument("page", PageOperand.self),
      CallArgument("vcpu", PageOperand.self), cites: ["tdx-module §9.2"]
    ) { page, vcpu in
      let v = self.vcpu(at: vcpu)
      let t = td(at: vcpu)
      tdvpr(vcpu, in: .RDX, of: .vpAddCX)
      state(of: t, for: .vpAddCX)
      Check(vcpuState[v] == .VCPU_UNINITIALIZED, else: .tdx(.VCPU_STATE_INCORRECT))
      Check(vcpuPages[v] < mostTDVPS, else: .tdx(.TDCX_NUM_INCORRECT))
      addCXPage(page, vcpu, t)
      vcpuPages[v] <- vcpuPages[v] + 1
      children[t] <- children[t] + 1
      take(page.element(), as: .TDCX, for: t)
    }
  }

  /// The call holds the TDVPR, and its TDR implicitly (tdx-module §5.3).
  @StatementBuilder private func addCXPage(
    _ page: Expr<PageOperand>, _ vcpu: Expr<PageOperand>, _ t: Expr<TD>
  ) -> [Statement] {
    let p: Expr<Page> = page.element()
    address(page, in: .RCX)
    Check(
      !(type[p] == .TDR && owner[p] == t), else: .tdx(.OPERAND_BUSY, .RCX)
    ).because("the call itself holds the TDR", "tdx-module §5.3")
    self.page(page, in: .RCX, of: .vpAddCX, .page, is: .NDA, after: [vcpu.element()])
  }

  private var vpInit: Action {
    Action(
      "TDH.VP.INIT", with: CallArgument("vcpu", PageOperand.self), CallArgument("lp", LP.self),
      cites: ["tdx-module §9.3"]
    ) { vcpu, lp in
      let v = self.vcpu(at: vcpu)
      let t = td(at: vcpu)
      inHost(lp)
      tdvpr(vcpu, in: .RCX, of: .vpInit)
      state(of: t, for: .vpInit)
      enoughPages(v)
      Check(vcpuState[v] == .VCPU_UNINITIALIZED, else: .tdx(.VCPU_STATE_INCORRECT))
      Check(numVCPUs[t] < maxVCPUs[t], else: .tdx(.MAX_VCPUS_EXCEEDED))
      numVCPUs[t] <- numVCPUs[t] + 1
      vcpuState[v] <- .VCPU_READY
      assoc[v] <- lp
      numAssoc[t] <- numAssoc[t] + 1
    }
  }

  private var vpFlush: Action {
    Action(
      "TDH.VP.FLUSH", with: CallArgument("vcpu", PageOperand.self), CallArgument("lp", LP.self),
      cites: ["tdx-module §9.4"]
    ) { vcpu, lp in
      let v = self.vcpu(at: vcpu)
      let t = td(at: vcpu)
      inHost(lp)
      tdvpr(vcpu, in: .RCX, of: .vpFlush)
      keysConfigured(t)
      enoughPages(v)
      Check(assoc[v] == lp, else: .tdx(.VCPU_NOT_ASSOCIATED))
      assoc[v] <- nil
      numAssoc[t] <- numAssoc[t] - 1
      Each(VCPU.self) { w in When(vcpuTD[w] == t) { translations[lp, w] <- false } }
    }
  }

  private var vpEnter: Action {
    Action(
      "TDH.VP.ENTER", with: CallArgument("vcpu", PageOperand.self), CallArgument("lp", LP.self),
      CallArgument("flags", EnterFlags.self), CallArgument("tsc_adjust_changed", Bool.self),
      cites: ["tdx-module §9.6"]
    ) { vcpu, lp, flags, tscChanged in
      let v = self.vcpu(at: vcpu)
      let t = td(at: vcpu)
      inHost(lp)
      Check(flags != .reserved_bit, else: .tdx(.OPERAND_INVALID, .RCX))
      tdvpr(vcpu, in: .RCX, of: .vpEnter)
      state(of: t, for: .vpEnter)
      enoughPages(v)
      Check(vcpuState[v] == .VCPU_READY, else: .tdx(.VCPU_STATE_INCORRECT))
      Check(assoc[v] == nil || assoc[v] == lp, else: .tdx(.VCPU_ASSOCIATED))
      When(flags == .host_recoverability_hint) {
        associate(v, t, lp)
        Return(.tdx(.OPERAND_INVALID, .RCX))
      }.because("no exit before it was trap-like; the association stays", "tdx-module §9.6")
      When(tscChanged) {
        associate(v, t, lp)
        Return(.tdx(.INCONSISTENT_MSR, "MSR", 0x3B))
      }.because("IA32_TSC_ADJUST; the association stays", "tdx-module §9.6")
      associate(v, t, lp)
      vcpuEpoch[v] <- epoch[t]
      refcount[t, parity(epoch[t])] <- refcount[t, parity(epoch[t])] + 1
      vcpuState[v] <- .VCPU_ACTIVE
      inGuest[lp] <- v
      translations[lp, v] <- true
      Return(.inGuest)
    }
  }

  @StatementBuilder func associate(
    _ v: Expr<VCPU>, _ t: Expr<TD>, _ lp: Expr<LP>
  ) -> [Statement] {
    When(assoc[v] == nil) {
      assoc[v] <- lp
      numAssoc[t] <- numAssoc[t] + 1
    }
  }

  func enoughPages(_ v: Expr<VCPU>) -> Statement {
    Check(vcpuPages[v] >= tdvpsPages, else: .tdx(.TDCX_NUM_INCORRECT))
  }

  /// A SEAMCALL on this LP: the LP is not in a guest.
  func inHost(_ lp: Expr<LP>) -> Statement {
    Require(inGuest[lp] == nil)
      .because("an LP in the guest makes no SEAMCALL", "tdx-module §9.6")
  }
}
