import SpecLanguage

/// Leaves that read and write fields of a TD and of a vCPU. The fields themselves are not modelled:
/// each call names one that there is, with a value that it takes.
extension TDXModule {
  @ListBuilder<Action> var fieldLeaves: [Action] {
    domainFields(.mngRead)
    domainFields(.mngWrite)
    vcpuFields(.vpRead)
    vcpuFields(.vpWrite)
  }

  private func domainFields(_ leaf: ModuleLeaf) -> Action {
    Action(
      "TDH.\(leaf.name)", with: CallArgument("td", PageOperand.self),
      cites: ["tdx-module §8.10"]
    ) { td in
      hasFields
      tdr(td, in: .RCX, of: leaf)
      state(of: self.td(at: td), for: leaf)
    }
  }

  /// Like an entry, the access takes the vCPU to the LP, even where its field is refused.
  private func vcpuFields(_ leaf: ModuleLeaf) -> Action {
    Action(
      "TDH.\(leaf.name)", with: CallArgument("vcpu", PageOperand.self),
      CallArgument("lp", LP.self), cites: ["tdx-module §9.5"]
    ) { vcpu, lp in
      let v = self.vcpu(at: vcpu)
      let t = td(at: vcpu)
      hasFields
      inHost(lp)
      tdvpr(vcpu, in: .RCX, of: leaf)
      state(of: t, for: leaf)
      enoughPages(v)
      Check(
        leaf.name == "VP.RD"
          ? vcpuState[v].in(.VCPU_READY, .VCPU_DISABLED) : vcpuState[v] == .VCPU_READY,
        else: .tdx(.VCPU_STATE_INCORRECT))
      Check(assoc[v] == nil || assoc[v] == lp, else: .tdx(.VCPU_ASSOCIATED))
      associate(v, t, lp)
    }
  }

  private var hasFields: Statement {
    Require(fields == 1).because("the scope leaves these leaves out", "tdx-module §8.10")
  }
}
