import SpecProgram
import Verdicts

/// Counts, fitted times and what follows for one size.
struct CostReport {
  let designs: [CostedDesign]
  let pages: Double
  let vcpus: Double

  /// The kinds of events that have a fitted time.
  private static let removal = "SEAMCALLs to remove pages"
  private static let interrupts = "vCPUs interrupted"
  private static let reclaim = "SEAMCALLs to reclaim pages"

  /// Before: removals and interrupts; after: reclaims. By the designs that were measured.
  private var fits: (before: CostFit, after: CostFit)? {
    guard let before = designs.first(where: { $0.name == "teardown/mainline" }),
      let after = designs.first(where: { $0.name == "teardown/terminate-vm-v4" }),
      let removals = before.form(Self.removal), let kicks = before.form(Self.interrupts),
      let reclaims = after.form(Self.reclaim)
    else { return nil }
    let rows = ShutdownTime.published
    return (
      CostFit(
        rows.map { row in
          let vcpus = Double(row.vcpus)
          return (
            [removals.value(row.pages, vcpus), kicks.value(row.pages, vcpus)], row.before
          )
        }),
      CostFit(rows.map { ([reclaims.value($0.pages, Double($0.vcpus))], $0.after) })
    )
  }

  /// Seconds that a design's counts take by the fitted times.
  private func seconds(_ design: CostedDesign, _ fits: (before: CostFit, after: CostFit)) -> Double
  {
    let times = [
      (Self.removal, fits.before.seconds[0]), (Self.interrupts, fits.before.seconds[1]),
      (Self.reclaim, fits.after.seconds[0]),
    ]
    return times.reduce(0) { sum, term in
      sum + (design.form(term.0)?.value(pages, vcpus) ?? 0) * term.1
    }
  }

  /// Whether its costs are of the kinds that times are known for.
  private static func isTimed(_ design: CostedDesign) -> Bool {
    design.form(removal) != nil && design.form(reclaim) != nil
  }

  private func timed(_ design: CostedDesign) -> Double? {
    Self.isTimed(design) ? fits.map { seconds(design, $0) } : nil
  }

  // MARK: For people

  var text: String {
    var out = "closed forms, from runs of the specs at \(CostCounter.sizes.count) sizes\n\n"
    for design in designs {
      out += "\(design.name): \(design.text)\n"
      for (name, form) in design.terms {
        let width = 34 - name.count
        let count = Self.grouped(form.value(pages, vcpus))
        out += "  \(name)\(String(repeating: " ", count: max(1, width)))"
        let formula = form.text("pages", "vcpus")
        out += formula + String(repeating: " ", count: max(1, 28 - formula.count)) + count + "\n"
      }
    }
    out += "\nthe last column: \(Self.grouped(pages)) pages of 4 KiB, \(Int(vcpus)) vCPUs\n"
    return out + times
  }

  private var times: String {
    guard let fits else {
      return "\nno times: the fit needs teardown/mainline and teardown/terminate-vm-v4\n"
    }
    var out = "\ntimes, fitted to the published ones (least squares of relative errors)\n"
    let names = [Self.removal, Self.interrupts, Self.reclaim]
    for (name, time) in zip(names, fits.before.seconds + fits.after.seconds) {
      out += "  \(name)\(String(repeating: " ", count: max(1, 34 - name.count)))"
      out += "\(Self.rounded(time * 1e6, 3)) µs each\n"
    }
    out += "\n  vCPUs   GiB    before  fitted  off by    after  fitted  off by\n"
    for (index, row) in ShutdownTime.published.enumerated() {
      let before = (row.before, fits.before.ratios[index])
      let after = (row.after, fits.after.ratios[index])
      out += "  \(Self.padded("\(row.vcpus)", 5)) \(Self.padded("\(row.gibibytes)", 5))  "
      out += cells(before) + " " + cells(after) + "\n"
    }
    out += "\n  for \(Self.grouped(pages)) pages and \(Int(vcpus)) vCPUs (SAMPLED: extrapolated)\n"
    for design in designs where Self.isTimed(design) {
      let time = seconds(design, fits)
      let space = String(repeating: " ", count: max(1, 34 - design.name.count))
      out += "  \(design.name)\(space)\(Self.rounded(time, 0)) s\n"
    }
    return out
  }

  private func cells(_ measured: (seconds: Double, ratio: Double)) -> String {
    let fitted = measured.seconds * measured.ratio
    let off = (measured.ratio - 1) * 100
    return Self.padded("\(Self.rounded(measured.seconds, 0)) s", 8)
      + Self.padded("\(Self.rounded(fitted, 0)) s", 8)
      + Self.padded("\(off > 0 ? "+" : "")\(Self.rounded(off, 0)) %", 8)
  }

  // MARK: For machines

  var events: [JSONValue] {
    var events = designs.map { design in
      JSONValue.members([
        "event": "cost", "spec": .string(design.name), "what": .string(design.text),
        "pages": .double(pages), "vcpus": .int(Int(vcpus)),
        "terms": .array(
          design.terms.map { name, form in
            .members([
              "name": .string(name), "form": .string(form.text("pages", "vcpus")),
              "constant": .int(form.constant), "per_page": .int(form.first),
              "per_vcpu": .int(form.second), "per_page_and_vcpu": .int(form.both),
              "count": .double(form.value(pages, vcpus)),
            ])
          }),
        "seconds": timed(design).map { .double($0) },
        "seconds_are": timed(design) == nil ? nil : .string("SAMPLED"),
      ])
    }
    guard let fits else { return events }
    let names = [Self.removal, Self.interrupts, Self.reclaim]
    let times = zip(names, fits.before.seconds + fits.after.seconds).map { name, time in
      JSONValue.members(["name": .string(name), "seconds": .double(time)])
    }
    let rows = ShutdownTime.published.enumerated().map { index, row in
      JSONValue.members([
        "vcpus": .int(row.vcpus), "gibibytes": .int(row.gibibytes), "before": .double(row.before),
        "after": .double(row.after), "before_ratio": .double(fits.before.ratios[index]),
        "after_ratio": .double(fits.after.ratios[index]),
      ])
    }
    events.append(
      .members(["event": "fit", "terms": .array(times), "published": .array(rows)]))
    return events
  }

  // MARK: Numbers

  private static func grouped(_ value: Double) -> String {
    let digits = Array(String(Int(value.rounded())))
    return digits.indices.reduce(into: "") { out, index in
      if index > 0, (digits.count - index) % 3 == 0 { out += "," }
      out.append(digits[index])
    }
  }

  private static func rounded(_ value: Double, _ places: Int) -> String {
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = (value * scale).rounded() / scale
    return places == 0 ? String(Int(scaled)) : String(scaled)
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
