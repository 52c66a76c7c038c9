extension TDXModule {
  /// What is checked before any leaf (tdx-module §5.1).
  func dispatch(_ call: Seamcall) throws(ModuleStatus) -> Leaf {
    var call = call
    call.name = "SEAMCALL"
    let rax = call.registers.rax
    try refuse(&call, .OPERAND_INVALID, .RAX, if: rax >> 24 != 0)
    let number = UInt16(truncatingIfNeeded: rax)
    let leaf = Leaf(rawValue: number)
    try refuse(
      &call, .OPERAND_INVALID, .RAX, if: call.version > 0 && leaf?.hasVersions != true)
    try refuse(
      &call, .SYS_SHUTDOWN, if: system == .SYS_SHUTDOWN && leaf != .SYS_LP_SHUTDOWN)
    try refuse(
      &call, .SYS_NOT_READY, if: system != .SYS_READY && leaf?.isForStart != true)
    guard let leaf else { throw ModuleStatus(.OPERAND_INVALID, .RAX) }
    return leaf
  }

  func perform(_ leaf: Leaf, _ call: inout Seamcall) throws(ModuleStatus) {
    switch leaf {
    case .MNG_CREATE: try createDomain(&call)
    case .MNG_KEY_CONFIG: try configureKey(&call)
    case .MNG_ADDCX: try addControlPage(&call)
    case .MNG_INIT: try initDomain(&call)
    case .MNG_VPFLUSHDONE: try finishFlush(&call)
    case .MNG_KEY_FREEID: try freeKey(&call)
    case .MNG_KEY_RECLAIMID: break
    case .MNG_RD, .MNG_WR: try accessDomain(&call)
    case .MR_EXTEND: try extendMeasurement(&call)
    case .MR_FINALIZE: try finalizeMeasurement(&call)
    case .VP_CREATE: try createVCPU(&call)
    case .VP_ADDCX: try addVCPUPage(&call)
    case .VP_INIT: try initVCPU(&call)
    case .VP_FLUSH: try flushVCPU(&call)
    case .VP_RD, .VP_WR: try accessVCPU(&call)
    case .VP_ENTER: try enter(&call)
    case .MEM_SEPT_ADD: try addTable(&call)
    case .MEM_SEPT_REMOVE: try removeTable(&call)
    case .MEM_SEPT_RD: try readEntry(&call)
    case .MEM_PAGE_ADD: try addPage(&call)
    case .MEM_PAGE_AUG: try augmentPage(&call)
    case .MEM_PAGE_REMOVE: try removePage(&call)
    case .MEM_PAGE_RELOCATE: try relocatePage(&call)
    case .MEM_PAGE_PROMOTE: try promotePage(&call)
    case .MEM_PAGE_DEMOTE: try demotePage(&call)
    case .MEM_RANGE_BLOCK: try blockRange(&call)
    case .MEM_RANGE_UNBLOCK: try unblockRange(&call)
    case .MEM_TRACK: try track(&call)
    case .MEM_RD, .MEM_WR: try accessMemory(&call)
    case .PHYMEM_PAGE_RECLAIM: try reclaimPage(&call)
    case .PHYMEM_PAGE_RDMD: try readMetadata(&call)
    case .PHYMEM_PAGE_WBINVD: try writeBackPage(&call)
    case .PHYMEM_CACHE_WB: try writeBackCache(&call)
    default: try performSystem(leaf, &call)
    }
  }
}
