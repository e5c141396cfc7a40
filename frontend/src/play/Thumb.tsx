/** A topology in a few strokes: hosts are squares, switches bars, cables lines. */
import type { Topology } from "../api/types";

const unit = 22;
const edge = 12;

export function Thumb({ topology }: { topology: Topology }) {
	const at = new Map(topology.nodes.map((node) => [node.name, node.at]));
	const xs = topology.nodes.map((node) => node.at[0]);
	const ys = topology.nodes.map((node) => node.at[1]);
	const [left, top] = [Math.min(...xs), Math.min(...ys)];
	const place = ([x, y]: [number, number]): [number, number] => [(x - left) * unit + edge, (y - top) * unit + edge];
	const width = (Math.max(...xs) - left) * unit + 2 * edge;
	const height = (Math.max(...ys) - top) * unit + 2 * edge;
	return (
		<svg
			class="play-thumb"
			viewBox={`0 0 ${width} ${height}`}
			width={width}
			height={height}
			aria-hidden="true"
			focusable="false"
		>
			{topology.links.map((link, i) => {
				const [a, b] = [at.get(link.a.node), at.get(link.b.node)];
				if (!a || !b) return null;
				const [[x1, y1], [x2, y2]] = [place(a), place(b)];
				return <line key={i} x1={x1} y1={y1} x2={x2} y2={y2} />;
			})}
			{topology.nodes.map((node) => {
				const [x, y] = place(node.at);
				return node.kind === "switch" ? (
					<rect key={node.name} class="switch" x={x - 8} y={y - 3.5} width="16" height="7" rx="1.5" />
				) : (
					<rect key={node.name} x={x - 7} y={y - 7} width="14" height="14" rx="2" />
				);
			})}
		</svg>
	);
}
