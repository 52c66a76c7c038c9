import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What the policies cost a guest that scatters its shared pages and one that pools them
/// (guest-memfd §3, §4).
///
/// The weights are what seed 003 measured on SNP guests of 16 GB, so that M-EARLY's splits and
/// merges of a scattering guest are the measured ones by construction; everything else follows
/// from runs. There is time to merge only where a run has ended. A pool is one block of four pages
/// here, 512 or 262,144 on a real machine.
extension HugePages {
  /// KiB of struct pages that a split block needs back (guest-memfd §2.7).
  private static let midKiB = 28
  private static let hugeKiB = 16 * 1024 - 4
  private static let kibibytes = "extra KiB"

  public var policyTable: PolicyTable? {
    PolicyTable(
      "what huge pages cost under each policy",
      fixed: [
        "huges": 1, "mids": 2, "pages": 4, "threads": 1, "PRESSURE": 0, "HOLDERS": 0, "PINS": 0,
      ],
      policies: { policies },
      inputs: {
        inputsOfMids
        inputsOfHuges
        boots
      },
      columns: {
        CostColumn("splits", of: file.block, entering: .split)
        CostColumn("merges", of: file.block, entering: .whole, from: .frozen)
        CostColumn(Self.kibibytes, of: file.block, ending: .split)
        CostColumn("conversions", callsOf: HugePageFile.convertName)
        CostColumn("conversion steps", stepsOf: HugePageFile.convertName)
      })
  }

  @ListBuilder<CostPolicy> private var policies: [CostPolicy] {
    CostPolicy("M-EARLY", ["POLICY": MergePolicy.early])
    CostPolicy("M-DEMAND", ["POLICY": MergePolicy.demand]) {
      Do(HugePageFile.mergeName, 0, answers: .ok)
    }
    CostPolicy("M-NEVER", ["POLICY": MergePolicy.never])
    CostPolicy("M-REBOOT", ["POLICY": MergePolicy.reboot])
    CostPolicy("M-DEFER", ["POLICY": MergePolicy.deferred]) {
      Do(HugePageFile.workerName, 0, answers: .ok)
    }
    CostPolicy(
      "M-NEVER/THP", ["POLICY": MergePolicy.never, "HUGETLB": 0], free: [Self.kibibytes])
  }

  // MARK: What guests do

  private func converts(_ page: Int, _ extent: Int, to target: Int) -> ScenarioCall {
    Do(HugePageFile.convertName, page, extent, target, answers: .ok)
  }

  /// Pages of one block that turn shared, one by one.
  private func shares(_ pages: Int) -> [ScenarioCall] {
    (0..<pages).map { converts($0, 0, to: 1) }
  }

  private func returns(_ pages: Int) -> [ScenarioCall] {
    (0..<pages).map { converts($0, 0, to: 0) }
  }

  private var allocates: ScenarioCall { Do(HugePageFile.allocateName, 0, answers: .ok) }

  /// Blocks in which so many pages stay shared.
  private func staying(_ blocks: Int, pages: Int) -> CostRun {
    CostRun(blocks) {
      allocates
      shares(pages)
    }
  }

  /// Blocks in which so many pages turn shared and private again.
  private func returning(_ blocks: Int, pages: Int, times: Int = 1) -> CostRun {
    CostRun(blocks, idle: true) {
      allocates
      (0..<times).flatMap { _ in shares(pages) + returns(pages) }
    }
  }

  /// The same blocks, and then all turns private and a new memslot is made.
  private func rebooting(_ run: CostRun) -> CostRun {
    CostRun(run.weight, idle: true, then: [Do(HugePageFile.bindName, answers: .ok)]) {
      run.calls
      Do(HugePageFile.deleteName, answers: .ok)
      converts(0, 4, to: 0)
    }
  }

  @ListBuilder<CostInput> private var inputsOfMids: [CostInput] {
    CostInput(
      "2 MiB pages, 16 GB, run time: 622 shared pages, scattered",
      measured: "622 split, about 30 merged",
      unit: Self.midKiB, cites: "guest-memfd S3-11", "guest-memfd S3-12"
    ) {
      staying(592, pages: 1)
      returning(30, pages: 1)
    }
    CostInput(
      "2 MiB pages, 16 GB, run time: 622 shared pages, pooled by four", unit: Self.midKiB,
      cites: "guest-memfd S3-23"
    ) {
      staying(148, pages: 4)
      returning(7, pages: 4)
      returning(2, pages: 1)
    }
    CostInput(
      "2 MiB pages, 16 GB, and a reboot: 622 shared pages, scattered", unit: Self.midKiB,
      cites: "guest-memfd S3-26"
    ) {
      rebooting(staying(592, pages: 1))
      rebooting(returning(30, pages: 1))
    }
  }

  @ListBuilder<CostInput> private var inputsOfHuges: [CostInput] {
    CostInput(
      "1 GiB pages, 16 GB, run time: 6 shared pages, scattered", measured: "6 split, 2 merged",
      unit: Self.hugeKiB, cites: "guest-memfd S3-13", "guest-memfd S3-14"
    ) {
      staying(4, pages: 1)
      returning(2, pages: 1)
    }
    CostInput(
      "1 GiB pages, 16 GB, run time: 6 shared pages, pooled by four", unit: Self.hugeKiB,
      cites: "guest-memfd S3-23"
    ) {
      staying(1, pages: 4)
      returning(1, pages: 2)
    }
    CostInput(
      "1 GiB pages, run time: one page turned shared and private 100 times", unit: Self.hugeKiB,
      cites: "guest-memfd S3-22"
    ) { returning(1, pages: 1, times: 100) }
  }

  @ListBuilder<CostInput> private var boots: [CostInput] {
    CostInput(
      "1 GiB pages, boot: 16 blocks allocated, INIT_PRIVATE", unit: Self.hugeKiB,
      cites: "guest-memfd S3-1", "guest-memfd S3-5"
    ) { CostRun(16) { allocates } }
    CostInput(
      "1 GiB pages, boot: 16 blocks allocated, INIT_SHARED, then all turns private",
      unit: Self.hugeKiB, ["INIT_SHARED": 1], cites: "guest-memfd S3-4", "guest-memfd S3-5"
    ) {
      CostRun(16, idle: true) {
        allocates
        converts(0, 4, to: 0)
      }
    }
    CostInput(
      "1 GiB pages, boot: the payload of one block written by user space, INIT_PRIVATE",
      unit: Self.hugeKiB, cites: "guest-memfd S3-3", "guest-memfd S3-7"
    ) {
      CostRun(1, idle: true) {
        converts(0, 2, to: 1)
        Do(HugePageFile.touchName, 0, answers: .ok)
        converts(0, 4, to: 0)
      }
    }
  }
}
