package sluice.guest.check;

/** The style sheet of the page. Contains no characters that are special in XML. */
final class HtmlStyle {
    static final String CSS = """

            :root { color-scheme: light dark; --ink: #1c2126; --paper: #ffffff; --soft: #5a646e; --line: #d5dadf;
              --panel: #f5f7f9; --pass: #1a6b34; --pass-bg: #e5f4e9; --fail: #a3162a; --fail-bg: #fde8ea;
              --odd: #7a4a00; --odd-bg: #fdf0d8; --skip: #5a646e; --skip-bg: #eef0f2; }
            @media (prefers-color-scheme: dark) { :root { --ink: #e3e7ea; --paper: #15191d; --soft: #9aa5af; --line: #363e46;
              --panel: #1e2429; --pass: #7bd394; --pass-bg: #17301f; --fail: #ff98a2; --fail-bg: #401a20;
              --odd: #f0bf6a; --odd-bg: #3a2b0f; --skip: #9aa5af; --skip-bg: #252b31; } }
            * { box-sizing: border-box; }
            body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 76rem; color: var(--ink); background: var(--paper);
              font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
            h1 { margin: 0; font-size: 1.7rem; line-height: 1.25; }
            h2 { margin: 2.5rem 0 0.75rem; font-size: 1.25rem; }
            h3 { margin: 0 0 0.25rem; font-size: 1.05rem; }
            h3 .soft { font-weight: 400; }
            h4 { margin: 0; font-size: 1rem; }
            p { margin: 0.4rem 0; max-width: 90ch; }
            a { color: inherit; }
            code, pre { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 0.86em; }
            .about { display: flex; flex-wrap: wrap; gap: 0.25rem 2rem; margin: 0.75rem 0 1.25rem; }
            .about div { display: flex; gap: 0.5rem; }
            dt { color: var(--soft); }
            dd { margin: 0; }
            .verdict { max-width: none; margin: 1rem 0; padding: 0.75rem 1rem; border-left: 0.4rem solid; border-radius: 4px;
              font-size: 1.15rem; font-weight: 600; }
            .pass { color: var(--pass); background: var(--pass-bg); }
            .fail { color: var(--fail); background: var(--fail-bg); }
            .inconclusive { color: var(--odd); background: var(--odd-bg); }
            .skip { color: var(--skip); background: var(--skip-bg); }
            .scroll { overflow-x: auto; }
            table { border-collapse: collapse; }
            th, td { padding: 0.45rem 0.75rem; border: 1px solid var(--line); text-align: left; vertical-align: top;
              overflow-wrap: normal; }
            th { font-weight: 600; background: var(--panel); }
            th span { display: block; font-weight: 400; font-size: 0.85em; color: var(--soft); }
            .verdicts thead th, .verdicts thead span { white-space: nowrap; }
            .verdicts td { padding: 0; white-space: nowrap; }
            .verdicts td a, .verdicts td i { display: block; padding: 0.45rem 0.75rem; font-style: normal;
              text-decoration: none; }
            .verdicts td a:hover, .verdicts td a:focus { text-decoration: underline; }
            .verdicts td.fail { font-weight: 700; }
            .mark { display: inline-block; width: 1.1em; margin-right: 0.25em; text-align: center; font-weight: 700; }
            .numbers td { text-align: right; font-variant-numeric: tabular-nums; }
            .numbers th { font-size: 0.9rem; }
            .numbers td.bad { color: var(--fail); background: var(--fail-bg); font-weight: 700; }
            .numbers { margin: 0.75rem 0; }
            article { margin: 1rem 0 1.5rem; padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: 6px; }
            article:target, details:target { outline: 2px solid; outline-offset: 2px; }
            .badge { display: inline-block; padding: 0 0.5em; border-radius: 3px; font-size: 0.85rem; font-weight: 700; }
            .soft { color: var(--soft); font-size: 0.9rem; }
            .reason { font-weight: 600; }
            .finding { margin: 0.9rem 0; padding: 0.7rem 1rem; border-left: 3px solid var(--fail); background: var(--panel); }
            .finding.hint { border-left-color: var(--odd); }
            .finding dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; margin: 0.5rem 0 0; }
            .timeline { font-size: 0.88rem; }
            .timeline td, .timeline th { padding: 0.25rem 0.6rem; }
            .timeline .order, .timeline .time { text-align: right; font-variant-numeric: tabular-nums; }
            .timeline .order, .timeline .time, .timeline td:nth-child(4) { white-space: nowrap; }
            .timeline tr.device td { background: var(--panel); }
            .timeline tr.broke td { color: var(--fail); background: var(--fail-bg); }
            .timeline td.gap { color: var(--soft); text-align: center; }
            .timeline details, dd details { margin: 0; }
            h4 + .scroll { margin-top: 0.4rem; }
            .chain { margin: 0; padding: 0; list-style: none; }
            .chain li { font: 0.86em ui-monospace, "DejaVu Sans Mono", monospace; }
            details { margin: 0.5rem 0; }
            summary { cursor: pointer; }
            pre { margin: 0.5rem 0; padding: 0.75rem 1rem; background: var(--panel); border: 1px solid var(--line);
              border-radius: 4px; white-space: pre-wrap; overflow-wrap: anywhere; }
            .skipped { max-width: none; }
            .inner { margin: 0.25rem 0 1rem 1.2rem; }
            @media print { :root { color-scheme: light; --ink: #000000; --paper: #ffffff; --soft: #444444; --line: #999999;
              --panel: #ffffff; --pass: #000000; --pass-bg: #ffffff; --fail: #000000; --fail-bg: #ffffff; --odd: #000000;
              --odd-bg: #ffffff; --skip: #444444; --skip-bg: #ffffff; }
              body { padding: 0; max-width: none; font-size: 10.5pt; }
              h2, h3, h4, summary { break-after: avoid; }
              .verdicts { font-size: 9.5pt; }
              .verdicts th, .verdicts td a, .verdicts td i { padding: 0.2rem 0.4rem; }
              .verdicts thead th, .verdicts thead span { white-space: normal; }
              .finding, tr { break-inside: avoid; } .scroll { overflow: visible; } }
            """;

    private HtmlStyle() {}
}
