import SpecLanguage
import TDXModuleSpecs

private let region = NamedArgument<RegionData>("region")
private let unreadable = NamedArgument<SetOf<Page>>("source_unmapped")

/// The page that is populated, for the changes that mutations make.
private let page = Local<Page>("page")

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
    let file = Local<File>("memfd")
    Step("kvm_gmem_populate") {
      Check(fileOf[p] != nil, else: .EINVAL).because("no slot with a memfd", "kvm-tdx §2.3.2")
      Check(!isReleased(p), else: .EFAULT).because("the file is closed", "kvm-tdx §2.3.2")
      file <- fileOf[p].value()
      page <- p
    }
    Call(getSourcePage)
    Step("the source page") {
      Check(!unreadable.contains(p), else: .EFAULT).because("the source", "kvm-tdx §2.3.2")
    }
    Holding(invalidateLock[file]) {
      getFolio
      addPage(p)
      measure(p)
    }
  }

  private var getFolio: Statement {
    Step("kvm_gmem_get_folio") {
      Check(isPrivate[page], else: .EINVAL).because("the attribute is shared", "kvm-tdx §2.3.2")
      folioAppears(Expr(page.node))
    }
  }

  /// Outside of invalidate_lock: a fault on a mapped memfd takes the two the other way round
  /// (kvm-tdx §3.2).
  private var getSourcePage: Action {
    Action("get_user_pages_fast", cites: "kvm-tdx §3.2") {
      Holding(mmapLock, .read) {
        Step("takes a reference to the source page") {
          When(threads == 1 && exists(File.self) { g in holding(invalidateLock[g]) }) {
            lockedAround <- true
          }
        }
      }
    }
  }

  @StatementBuilder
  private func addPage(_ p: Expr<Page>) -> [Statement] {
    let status = Local<Outcome>("status")
    loadRoot
    Holding(mmuLock, .read) {
      mapPrivatePFN()
      addTables(p)
      insistently(
        .memPageAdd, by: module.pageAdd(p), into: status,
        effect: Statements {
          mirror[p] <- true
          unmeasured[p] <- region == .measured
          When(build != .initialized || !holding(slotsLock)) { wrongBuild <- true }
        })
      When(status != .ok) {
        kvmBug(after: status)
        Return(.EIO)
      }
    }
  }

  /// - Parameter effect: what else it does.
  private func mapPrivatePFN(_ effect: [Statement] = []) -> Statement {
    Step("kvm_tdp_mmu_map_private_pfn") {
      Check(!mirror[page], else: .EIO).because("mapped already", "kvm-tdx §2.3.2")
      effect
    }
  }

  @StatementBuilder
  private func measure(_ p: Expr<Page>) -> [Statement] {
    let status = Local<Outcome>("status")
    When(region == .measured) {
      seamcall(
        .mrExtend, by: module.extend(p), into: status,
        effect: Statements { unmeasured[p] <- false })
      When(status != .ok) {
        kvmBug(after: status, as: "TDX_BUG_ON: a page is not measured")
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
    let status = Local<Outcome>("status")
    Step("kvm_mmu_reload") {
      fits <- rootLoaded[v] || kind != .td
        || (width == .bits52) == (cpuidWidth[v] == .bits52)
      rootLoaded[v] <- true
    }
    When(!fits) {
      kvmBug(because: .addressWidth)
      Return(.EIO)
    }
    When(kind == .td) {
      seamcall(.vpWrite, by: module.vpWrite(v.element), into: status)
      When(status != .ok) { kvmBug(after: status) }
    }
  }

  /// TDH.MEM.SEPT.ADD for every level that is missing above a page (kvm-tdx §2.3.2).
  @StatementBuilder
  private func addTables(_ p: Expr<Page>) -> [Statement] {
    When(width == .bits52) { addTable(table4[p], " (level 4)") }
    addTable(table3[p], " (level 3)")
    addTable(table2[p], " (level 2)")
    addTable(table1[p], " (level 1)")
  }

  /// A table that another vCPU is adding is waited for, as a fault that is tried again does.
  @StatementBuilder
  private func addTable(_ table: Expr<SEPTTable>, _ level: String) -> [Statement] {
    let status = Local<Outcome>("status")
    let isMissing = Local<Bool>("table is missing")
    Step("looks for the table\(level)") {
      Require(forAll(VCPU.self) { w in tableFrozen[w] != table })
      isMissing <- !tablePresent[table]
      When(!tablePresent[table]) { tableFrozen[v] <- table }
    }
    When(isMissing) {
      insistently(
        .memSEPTAdd, level, by: module.septAdd, into: status,
        effect: Statements { tablePresent[table] <- true })
      Step("the table's SPTE is no longer frozen") { tableFrozen[v] <- nil }
      When(status != .ok) {
        kvmBug(after: status)
        Return(.EIO)
      }
    }
  }

  /// Maps a private page of a TD that runs (kvm-tdx §2.5, §2.10).
  func faultPrivate(_ p: Expr<Page>) -> Action {
    let again = Local<Bool>("RET_PF_RETRY")
    return Action("a fault on a private GPA", cites: "kvm-tdx §2.5") {
      Holding(srcu, .read) {
        Repeat(while: again) {
          Step("kvm_mmu_faultin_pfn") {
            Check(!vmDead, else: .EIO).because("KVM_REQ_VM_DEAD", "kvm-tdx §2.5")
            Check(isPrivate[p], else: .EFAULT).because("the attribute is shared", "kvm-tdx §2.5")
            Check(slotOf[p] == nil || slotOf[p] != deleting, else: .EAGAIN)
              .because("the slot is INVALID", "kvm-tdx §2.10")
            Check(fileOf[p] != nil && !isReleased(p), else: .EFAULT)
              .because("no slot, no memfd, or a closed one", "kvm-tdx §2.5")
            folioAppears(p)
            isFresh[v] <- true
          }
          Holding(mmuLock, .read) {
            Step("is_page_fault_stale") {
              again <- !isFresh[v] || invalidating.contains(p)
              isFresh[v] <- false
            }
            When(!again) { augPage(p) }
          }
        }
      }
    }
  }

  @StatementBuilder
  private func augPage(_ p: Expr<Page>) -> [Statement] {
    let status = Local<Outcome>("status")
    Step("is it mapped") { Check(!mirror[p], else: .ok) }
    When(kind != .td) {
      Step("maps the page") { mirror[p] <- true }
      Return(.ok)
    }
    addTables(p)
    Step("freezes the mirror SPTE") {
      Require(forAll(VCPU.self) { w in frozen[w] != p })
        .because("another vCPU maps it: the fault is tried again", "kvm-tdx §3.5")
      Check(!mirror[p], else: .ok)
      frozen[v] <- p
    }
    insistently(
      .memPageAug, by: module.pageAug(p), into: status,
      effect: Statements {
        mirror[p] <- true
        When(build != .runnable) { wrongBuild <- true }
      })
    Step("the mirror SPTE is no longer frozen") { frozen[v] <- nil }
    When(status != .ok) {
      kvmBug(after: status)
      Return(.EIO)
    }
  }

  /// B-13: the source page is taken under invalidate_lock.
  @ListBuilder<Edit>
  var sourceInside: [Edit] {
    Without(call: "get_user_pages_fast")
    Replacing(step: "kvm_gmem_get_folio") {
      Call(getSourcePage)
      getFolio
    }
  }

  /// B-7: the page is mapped in the mirror first and added to the TD later, without mmu_lock.
  @ListBuilder<Edit>
  var premap: [Edit] {
    Without(lock: mmuLock, in: "tdx_vcpu_init_mem_region")
    Replacing(step: "kvm_tdp_mmu_map_private_pfn") {
      mapPrivatePFN(Statements { mirror[page] <- true })
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
