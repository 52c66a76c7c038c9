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
      vcpuGate(
        trying: arguments == 1 || bits == .low && command == .fine && region.in(.fine, .measured))
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
        Check(region != .wrapping || queued == 0, else: .EINVAL)
          .because("the size wraps; 7.3 does not look at that", "kvm-tdx B-18")
        When(region == .wrapping) { wrappedTaken <- true }
      }
      loadVCPU
      ForEach(ordered: Page.self, where: { p in range.contains(p) }) { p in populate(p) }
      When(region == .wrapping) { Return(.EINVAL) }
        .because("the loop ends at the first page without a slot", "kvm-tdx B-18")
    }
  }

  /// kvm_gmem_populate of one page, then its measurement (kvm-tdx §2.3.2).
  @StatementBuilder
  private func populate(_ p: Expr<Page>) -> [Statement] {
    let file = Local<File>("memfd")
    interruptible
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
      allocates()
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
      pin(p)
      insistently(
        .memPageAdd, by: module.pageAdd(p), into: status,
        effect: Statements {
          mirror[p] <- true
          ownsFolio(p)
          unmeasured[p] <- region == .measured
          When(build != .initialized || !holding(slotsLock)) { wrongBuild <- true }
        })
      When(status != .ok) {
        unpin(p)
        kvmBug(after: status)
        Return(.EIO)
      }
    }
  }

  /// The TD owns the folio from here on.
  @StatementBuilder
  func ownsFolio(_ p: Expr<Page>) -> [Statement] {
    ownedFile[p] <- fileOf[p]
    ownedIndex[p] <- indexOf[p]
  }

  /// Until 6.19 a page that was mapped held a reference to its folio, so that one whose removal
  /// failed was lost and not given away (kvm-tdx B-15).
  @StatementBuilder
  func pin(_ p: Expr<Page>) -> [Statement] {
    When(pins == 1) { Step("get_page") { pinned[p] <- true } }
  }

  @StatementBuilder
  func unpin(_ p: Expr<Page>) -> [Statement] {
    When(pins == 1) { Step("put_page") { pinned[p] <- false } }
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
  func folioAppears(_ p: Expr<Page>) -> Statement {
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
      rootObsolete[v] <- false
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
  func addTables(_ p: Expr<Page>) -> [Statement] {
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
}
