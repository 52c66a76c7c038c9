import ArgumentParser
import Catalogue
import SpecLanguage
import SpecProgram
import Verdicts

extension TDXSpec {
  /// `tdxspec cost`.
  struct Cost: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Says what a shutdown costs in each design, and what a spec's policies cost.",
      discussion: """
        The counts come from the specs: the calls of a shutdown are run at \(sizes) sizes, which \
        must all have the same closed form. Times are fitted to the six that were published \
        (kvm-tdx §5.0); a time for other sizes is an extrapolation, and SAMPLED.

        A spec with policies, such as gmem/huge-pages, gets a table: runs of calls with weights \
        that are data are run under each policy, and what happens is counted (SAMPLED).

        EXAMPLES
          tdxspec cost
          tdxspec cost --memory 400G --vcpus 64
          tdxspec cost gmem/huge-pages
          tdxspec cost teardown/mainline teardown/terminate-vm-v4 --memory 1T --vcpus 128 --json
        """)

    private static let sizes = CostCounter.sizes.count

    @Argument(help: "Specs; by default all that say what they cost.")
    var specs: [String] = []

    @Option(name: .long, help: ArgumentHelp("The guest's memory, such as 400G.", valueName: "size"))
    var memory: ByteSize?

    @Option(name: .long, help: ArgumentHelp("The guest's virtual CPUs (64).", valueName: "n"))
    var vcpus: Int?

    @Flag(name: .long, help: "JSON lines on standard output (docs/events.md).")
    var json = false

    func validate() throws {
      guard vcpus ?? 1 >= 1 else { throw ValidationError("--vcpus takes a number from 1") }
      if let memory, memory.bytes < 4096 {
        throw ValidationError("--memory is less than a page of 4 KiB")
      }
    }

    func run() throws {
      let chosen = try chosen()
      let tables = try chosen.compactMap { spec in
        try spec.policyTable.map { try PolicyReport(spec, $0) }
      }
      let designs = try chosen.filter { $0.cost != nil }.map { try CostedDesign($0) }
      guard !designs.isEmpty || memory == nil && vcpus == nil else {
        throw ValidationError("--memory and --vcpus are for specs that say what a shutdown costs")
      }
      let pages = Double((memory?.bytes ?? 400 << 30) / 4096)
      let report = CostReport(designs: designs, pages: pages, vcpus: Double(vcpus ?? 64))
      if json {
        let counts = (designs.isEmpty ? [] : report.events) + tables.flatMap(\.events)
        let events = [Events.start("cost", version: TDXSpec.version)] + counts
        for event in events + [Events.end(.success)] {
          try Output.standard.write(event.text + "\n")
        }
      } else {
        let texts = (designs.isEmpty ? [] : [report.text]) + tables.map(\.text)
        try Output.standard.write(texts.joined(separator: "\n"))
      }
    }

    private func chosen() throws -> [SpecDescription] {
      guard !specs.isEmpty else {
        return Catalogue.all.map { $0.describe() }.filter { $0.cost != nil }
      }
      return try specs.map { name in
        let spec = try SpecLookup.describe(name)
        guard spec.cost != nil || spec.policyTable != nil else {
          throw ValidationError("\(name) does not say what it costs")
        }
        return spec
      }
    }
  }
}

/// A design with the closed forms of its counts.
struct CostedDesign {
  let name: String
  let text: String
  let terms: [(name: String, form: CostForm)]

  init(_ spec: SpecDescription) throws {
    guard let model = spec.cost else {
      throw ValidationError("\(spec.name) does not say what it costs")
    }
    let forms = try CostCounter(spec, model, "pages", "vcpus").forms()
    name = spec.name
    text = model.text
    terms = zip(model.terms, forms).map { ($0.name, $1) }
  }

  func form(_ name: String) -> CostForm? { terms.first { $0.name == name }?.form }
}
