extension HTMLPage {
    static let style = """
        :root { color-scheme: light dark; --paper: #fff; --soft: #f4f5f7; --line: #d8dce2; --ink: #1c2330;
          --dim: #687386; --accent: #2f6fde; --box: #fbfcfd; --wire: #7a8496; }
        @media (prefers-color-scheme: dark) { :root { --paper: #14181f; --soft: #1c222c; --line: #343c4a;
          --ink: #e4e8ef; --dim: #94a0b4; --accent: #6ea2ff; --box: #191e27; --wire: #8792a5; } }
        * { box-sizing: border-box; }
        html, body { height: 100%; margin: 0; }
        body { display: flex; flex-direction: column; background: var(--paper); color: var(--ink);
          font: 14px/1.45 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        header { padding: 14px 20px 0; border-bottom: 1px solid var(--line); background: var(--soft); }
        h1 { font-size: 20px; margin: 0; display: inline; }
        #extents { color: var(--dim); display: inline; margin: 0 0 0 12px; }
        #cards { display: flex; gap: 8px; margin: 12px 0; flex-wrap: wrap; }
        .card { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 7px 11px;
          min-width: 110px; }
        .card b { display: block; font-size: 15px; font-weight: 600; font-variant-numeric: tabular-nums; }
        .card span { color: var(--dim); font-size: 12px; }
        .card i { font-style: normal; color: #1a8f5a; font-size: 13px; font-weight: 600; margin-left: 6px; }
        .card i.worse { color: #c2562d; }
        nav { display: flex; gap: 4px; align-items: end; }
        nav a { padding: 7px 16px; color: var(--dim); text-decoration: none; border-bottom: 2px solid transparent; }
        nav a.on { color: var(--ink); border-color: var(--accent); font-weight: 600; }
        #mode { margin: 0 0 6px auto; }
        button, input[type=search] { font: inherit; color: inherit; background: var(--paper);
          border: 1px solid var(--line); border-radius: 6px; padding: 4px 10px; }
        button { cursor: pointer; }
        button:hover { border-color: var(--accent); }
        #mode button { border-radius: 6px 0 0 6px; }
        #mode button + button { border-radius: 0 6px 6px 0; border-left: 0; }
        #mode button.on { background: var(--accent); border-color: var(--accent); color: #fff; }
        main { flex: 1; min-height: 0; }
        section { display: none; height: 100%; flex-direction: column; }
        section.on { display: flex; }
        .bar { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; padding: 8px 20px;
          border-bottom: 1px solid var(--line); }
        .bar label, .bar span { color: var(--dim); }
        input[type=search] { width: 300px; }
        #legend { margin-left: auto; display: flex; gap: 12px; flex-wrap: wrap; }
        .key::before { content: ""; display: inline-block; width: 10px; height: 10px; border-radius: 3px;
          margin-right: 5px; background: var(--fill); }
        #view { flex: 1; min-height: 0; display: flex; }
        #canvas { flex: 1; min-width: 0; cursor: grab; user-select: none; touch-action: none; }
        #canvas.held { cursor: grabbing; }
        #canvas text { font-size: 12px; fill: var(--ink); pointer-events: none; }
        #canvas text.sub { font-size: 10px; fill: var(--dim); }
        #canvas text.name { font-weight: 600; }
        .scope > rect { fill: var(--box); stroke: var(--line); }
        .scope > rect.head { fill: transparent; stroke: none; cursor: pointer; }
        .shut > rect { fill: var(--soft); stroke: var(--wire); stroke-width: 1.2; cursor: pointer; }
        .shut > rect.part { stroke: none; pointer-events: none; fill: var(--fill); }
        .leaf > rect { fill: color-mix(in srgb, var(--fill) 22%, var(--paper)); stroke: var(--fill);
          cursor: pointer; }
        .hit > rect:first-child { stroke: #e0a100; stroke-width: 3; }
        .chosen > rect:first-child { stroke: var(--accent); stroke-width: 3; }
        .wire { fill: none; stroke: var(--wire); stroke-width: 1; opacity: .45; }
        .wire.far { opacity: .13; }
        .wire.lit { stroke: var(--accent); stroke-width: 2; opacity: 1; }
        #detail { width: 400px; overflow: auto; border-left: 1px solid var(--line); padding: 14px 16px;
          background: var(--soft); }
        #detail h2 { font-size: 15px; margin: 0 0 4px; overflow-wrap: anywhere; }
        #detail p { color: var(--dim); margin: 0 0 10px; overflow-wrap: anywhere; }
        #detail pre, .places { font: 12px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre-wrap;
          overflow-wrap: anywhere; background: var(--paper); border: 1px solid var(--line); border-radius: 6px;
          padding: 8px 10px; margin: 0 0 12px; }
        .scroll { overflow: auto; flex: 1; padding: 0 20px 20px; }
        table { border-collapse: collapse; width: 100%; }
        th { position: sticky; top: 0; background: var(--paper); text-align: left; color: var(--dim);
          font-weight: 600; padding: 10px 10px 6px; cursor: pointer; white-space: nowrap; }
        th.sorted::after { content: " \\2193"; }
        th.sorted.up::after { content: " \\2191"; }
        td { padding: 5px 10px; border-top: 1px solid var(--line); vertical-align: top; }
        td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
        td.code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 13px;
          overflow-wrap: anywhere; }
        tbody tr { cursor: pointer; }
        tbody tr:hover { background: var(--soft); }
        .meter { display: inline-block; height: 9px; border-radius: 2px; background: var(--fill);
          margin-left: 8px; min-width: 1px; }
        .meters { text-align: left; width: 22%; }
        .verdict { border-radius: 9px; padding: 1px 9px; font-size: 12px; color: #fff; background: #1a8f5a; }
        .verdict.no { background: #b4552f; }
        #plot { flex: 1; min-height: 0; width: 100%; }
        #plot text { font-size: 12px; fill: var(--dim); }
        #plot .rule { stroke: var(--line); }
        #plot .cursor { stroke: var(--ink); stroke-dasharray: 3 3; }
        #moment { padding: 10px 20px; min-height: 84px; border-top: 1px solid var(--line); background: var(--soft);
          overflow-wrap: anywhere; }
        #categories button { border: 0; padding: 2px 4px; }
        #categories button.off { opacity: .35; text-decoration: line-through; }
        """
}
