/** The playground: a workshop where the learner makes a network, and the page of the network that runs. */
import "./play.css";
import { LabPage } from "../lab/LabPage";
import { Notes } from "./Notes";
import { playSource } from "./source";
import { Workshop } from "./Workshop";

export function PlayPage({ runs }: { runs: boolean }) {
	return runs ? <LabPage name="playground" source={playSource} Lesson={Notes} /> : <Workshop />;
}
