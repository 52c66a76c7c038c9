import SpecLanguage
import TDXModuleSpecs

private let region = NamedArgument<RegionData>("region")
private let unreadable = NamedArgument<SetOf<Page>>("source_unmapped")

extension TDXVM {
  /// KVM_TDX_INIT_MEM_REGION (kvm-tdx §2.3.2).
  var initMemRegion: Action {
    Action(
      "KVM_TDX_INIT_MEM_REGION",
      taking: [caller, command, v, region, bits, range, unreadable], by: HostThread.self,
      cites: "kvm-tdx §2.3.2"
    ) {
      vcpuGate(trying: arguments == 1 || bits == .low)
      vcpuCommand
      guarded(tdInitMemRegion)
    }
  }

  private var tdInitMemRegion: Action {
    Action("tdx_vcpu_init_mem_region", cites: "kvm-tdx §2.3.2") {
      Step("the checks of tdx_vcpu_init_mem_region") {
        Check(isBeingBuilt, else: .EINVAL).because("the TD's state", "kvm-tdx §2.3")
        Check(vcpu[v] == .initialized, else: .EINVAL).because("the vCPU", "kvm-tdx §2.3.2")
        Check(command == .fine && region != .unknownFlags, else: .EINVAL)
          .because("flags", "kvm-tdx §2.3.2")
        Check(region != .unreadable, else: .EFAULT).because("copy", "kvm-tdx §2.3.2")
        Check(region != .malformed && bits != .beyond && !isShared, else: .EINVAL)
          .because("alignment, size, or a shared GPA", "kvm-tdx §2.3.2")
      }
      ForEach(ordered: Page.self, where: { p in range.contains(p) }) { p in populate(p) }
    }
  }

  /// kvm_gmem_populate of one page, then its measurement (kvm-tdx §2.3.2).
  @StatementBuilder
  private func populate(_ p: Expr<Page>) -> [Statement] {
    let status = Local<LeafStatus>("status")
    Step("kvm_gmem_populate") {
      Check(fileOf[p] != nil, else: .EINVAL).because("no slot with a memfd", "kvm-tdx §2.3.2")
      Check(!isReleased(p), else: .EFAULT).because("the file is closed", "kvm-tdx §2.3.2")
      Check(!unreadable.contains(p), else: .EFAULT).because("the source", "kvm-tdx §2.3.2")
      Check(isPrivate[p], else: .EINVAL).because("the attribute is shared", "kvm-tdx §2.3.2")
      folioAppears(p)
    }
    loadRoot
    Holding(mmuLock, .read) {
      Step("kvm_tdp_mmu_map_private_pfn") {
        Check(!mirror[p], else: .EIO).because("mapped already", "kvm-tdx §2.3.2")
      }
      addTables(p)
      insistently(.memPageAdd, into: status, effect: Statements { mirror[p] <- true })
      When(status != .success) {
        kvmBug
        Return(.EIO)
      }
    }
    When(region == .measured) {
      seamcall(.mrExtend, into: status)
      When(status != .success) {
        kvmBug
        Return(.EIO)
      }
    }
  }

  /// The memfd allocates what is not there yet.
  private func folioAppears(_ p: Expr<Page>) -> Statement {
    Each(File.self) { g in
      Each(FileIndex.self) { i in
        When(fileOf[p] == g && indexOf[p] == i) { hasFolio[g, i] <- true }
      }
    }
  }

  /// kvm_mmu_reload: the level of the root comes from the vCPU's CPUID (kvm-tdx §2.5).
  @StatementBuilder
  var loadRoot: [Statement] {
    let fits = Local<Bool>("root fits")
    let status = Local<LeafStatus>("status")
    Step("kvm_mmu_reload") {
      fits <- rootLoaded[v] || kind != .td
        || (width == .bits52) == (cpuidWidth[v] == .bits52)
      rootLoaded[v] <- true
    }
    When(!fits) {
      kvmBug
      Return(.EIO)
    }
    When(kind == .td) { seamcall(.vpWrite, into: status) }
  }

  /// TDH.MEM.SEPT.ADD for every level that is missing above a page (kvm-tdx §2.3.2).
  @StatementBuilder
  private func addTables(_ p: Expr<Page>) -> [Statement] {
    When(width == .bits52) { addTable(table4[p], " (level 4)") }
    addTable(table3[p], " (level 3)")
    addTable(table2[p], " (level 2)")
    addTable(table1[p], " (level 1)")
  }

  @StatementBuilder
  private func addTable(_ table: Expr<SEPTTable>, _ level: String) -> [Statement] {
    let status = Local<LeafStatus>("status")
    When(!tablePresent[table]) {
      insistently(
        .memSEPTAdd, level, into: status, effect: Statements { tablePresent[table] <- true })
      When(status != .success) {
        kvmBug
        Return(.EIO)
      }
    }
  }

  /// Maps a private page of a TD that runs (kvm-tdx §2.5, §2.10).
  func faultPrivate(_ p: Expr<Page>) -> Action {
    let status = Local<LeafStatus>("status")
    return Action("a fault on a private GPA", cites: "kvm-tdx §2.5") {
      Step("kvm_mmu_faultin_pfn") {
        Check(isPrivate[p], else: .EFAULT).because("the attribute is shared", "kvm-tdx §2.5")
        Check(fileOf[p] != nil && !isReleased(p), else: .EFAULT)
          .because("no slot, no memfd, or a closed one", "kvm-tdx §2.5")
        folioAppears(p)
      }
      Holding(mmuLock, .read) {
        Step("is it mapped") { Check(!mirror[p], else: .ok) }
        addTables(p)
        insistently(.memPageAug, into: status, effect: Statements { mirror[p] <- true })
        When(status != .success) {
          kvmBug
          Return(.EIO)
        }
      }
    }
  }

  /// KVM_PRE_FAULT_MEMORY (kvm-tdx §2.10).
  var preFault: Action {
    let answer = Local<Outcome>("answer")
    let any = Local<Bool>("some page done")
    return Action(
      "KVM_PRE_FAULT_MEMORY", taking: [caller, v, shape, bits, range], by: HostThread.self,
      cites: "kvm-tdx §2.10"
    ) {
      vcpuGate(trying: arguments == 1 || bits == .low)
      Step("the arguments") {
        Check(shape == .fine, else: .EINVAL).because("flags, alignment, size", "kvm-tdx §2.10")
      }
      Holding(vcpuMutex[v]) {
        ForEach(ordered: Page.self, where: { p in range.contains(p) }) { p in
          Call(preFaultPage(p), into: answer)
          When(answer != .ok) {
            When(any) { Return(.ok) }
            Return(answer)
          }
          any <- true
        }
      }
    }
  }

  private func preFaultPage(_ p: Expr<Page>) -> Action {
    let answer = Local<Outcome>("answer")
    return Action("kvm_arch_vcpu_pre_fault_memory", cites: "kvm-tdx §2.10") {
      Step("kvm_arch_vcpu_pre_fault_memory") {
        Check(kind != .td || build == .runnable, else: .EOPNOTSUPP)
          .because("not before FINALIZE_VM", "kvm-tdx §2.10")
        Check(!isShared, else: .EINVAL).because("the shared bit", "kvm-tdx §2.10")
      }
      loadRoot
      When(isPrivate[p]) {
        Call(faultPrivate(p), into: answer)
        Return(answer)
      }
      Step("a shared page") {
        Check(slotOf[p] != nil, else: .ENOENT).because("no slot", "kvm-tdx §2.10")
        Check(!isReleased(p) || !isMappable(p), else: .EFAULT)
          .because("the memfd is closed", "kvm-tdx §2.10")
        Check(!unbacked[p] || isMappable(p), else: .EFAULT).because("the hva", "kvm-tdx §2.10")
      }
    }
  }

  /// The slot takes shared faults from the memfd too (GMEM_ONLY, kvm-tdx §2.6).
  func isMappable(_ p: Expr<Page>) -> Condition {
    exists(File.self) { g in fileOf[p] == g && gmemCanMap[g] }
  }
}
