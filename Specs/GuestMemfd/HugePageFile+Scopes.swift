import SpecLanguage
import TDXModuleSpecs

extension HugePageFile {
  func actions(touch: Action, zeroing: @escaping (Expr<Page>) -> Condition) -> [Action] {
    [
      touch, pin, unpin, takeReference, dropReference, memoryRunsOut, memoryReturns,
      guestFault(.private), guestFault(.shared), allocate, punchHole(zeroing: zeroing),
      returnBlock, deleteSlot, createSlot, close,
    ]
  }

  static var scopes: [Scope] {
    let converter = ThreadPart(
      "converter", calls: [convertName, punchName, mergeName, workerName])
    let guest = ThreadPart("guest", calls: [runName(.private), runName(.shared)])
    return [
      Scope(
        "small", "one block of two pages, two threads that may make any call",
        ["huges": 1, "mids": 1, "pages": 2, "threads": 2]),
      Scope(
        "tdx", "the same, TDX", ["huges": 1, "mids": 1, "pages": 2, "threads": 2, "BACKEND": 1]),
      Scope(
        "snp", "the same with SEV-SNP",
        ["huges": 1, "mids": 1, "pages": 2, "threads": 2, "BACKEND": 2]),
      Scope(
        "demand", "the same, merged on demand",
        ["huges": 1, "mids": 1, "pages": 2, "threads": 2, "POLICY": 1]),
      Scope(
        "reboot", "the same, merged at reboot",
        ["huges": 1, "mids": 1, "pages": 2, "threads": 2, "POLICY": 3]),
      Scope(
        "deferred", "the same, merged by a worker",
        ["huges": 1, "mids": 1, "pages": 2, "threads": 2, "POLICY": 4]),
      Scope(
        "never", "the same, never merged",
        ["huges": 1, "mids": 1, "pages": 2, "threads": 2, "POLICY": 2]),
      Scope(
        "staged", "one block of 2 × 2 pages, split in stages; users hold pages, no vCPU",
        ["huges": 1, "mids": 2, "pages": 4, "threads": 1, "STAGED": 1]),
      Scope(
        "block", "one block of 2 × 2 pages: one thread converts, a vCPU faults, users pin and hold",
        ["huges": 1, "mids": 2, "pages": 4, "threads": 2], parts: [converter, guest]),
      Scope(
        "two", "two blocks of 2 × 2 pages: one thread converts, users map, pin and hold pages",
        ["huges": 2, "mids": 4, "pages": 8, "threads": 1, "PRESSURE": 0], parts: [converter]),
      Scope(
        "two-guest", "two blocks of 2 × 2 pages: one thread converts, a vCPU faults",
        [
          "huges": 2, "mids": 4, "pages": 8, "threads": 2, "PINS": 0, "HOLDERS": 0, "PRESSURE": 0,
          "USERS": 0,
        ], parts: [converter, guest]),
    ]
  }
}
