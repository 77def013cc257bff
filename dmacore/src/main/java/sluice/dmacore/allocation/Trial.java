package sluice.dmacore.allocation;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.buffer.Verdict;
import sluice.dmacore.ownership.Direction;

/** A buffer of one exporter with all suitable devices attached. It is either kept, as a share, or released. */
final class Trial {
    private final List<Attachment> attachments = new ArrayList<>();
    private final List<Attempt.Answer> answers = new ArrayList<>();
    private final Set<Candidate> served = new HashSet<>();
    private final DmaBuf buffer;
    private String failure = "";

    private Trial(DmaBuf buffer) {
        this.buffer = buffer;
    }

    /**
     * Tries an exporter. If it allocates late, all devices attach before the allocation, so that each one's constraints
     * apply.
     *
     * @throws DmaBufException the exporter fails
     */
    static Trial of(DmaCore core, String name, long size, Exporter exporter, List<Candidate> candidates)
            throws DmaBufException {
        Trial trial = new Trial(core.export(name, size, exporter));
        boolean done = false;
        try {
            trial.attachAll(candidates);
            trial.obtain();
            done = true;
            return trial;
        } finally {
            if (!done) trial.giveBack();
        }
    }

    private void attachAll(List<Candidate> candidates) {
        for (Candidate candidate : candidates) {
            Verdict verdict = buffer.wouldAttach(candidate.function(), candidate.stream(),
                    candidate.direction());
            answers.add(new Attempt.Answer(candidate.function().name(), verdict));
            if (!verdict.fits()) continue;
            try {
                attachments.add(buffer.attach(candidate.function(), candidate.stream(), candidate.direction()));
                served.add(candidate);
            } catch (DmaBufException e) {
                failure = String.valueOf(e.getMessage());
            }
        }
    }

    /** Allocates the memory, and checks the devices that were checked by size only. */
    private void obtain() throws DmaBufException {
        if (attachments.isEmpty()) return;
        attachments.getFirst().getSegments();
        attachments.getFirst().putSegments();
        List<Attachment> unsuited = new ArrayList<>();
        for (Attachment attachment : attachments) {
            Verdict verdict = attachment.testMap(directionOf(attachment));
            if (verdict.fits()) continue;
            unsuited.add(attachment);
            String function = attachment.function().name();
            answers.replaceAll(answer -> answer.function().equals(function)
                    ? new Attempt.Answer(function, verdict)
                    : answer);
        }
        for (Attachment attachment : unsuited) {
            attachment.detach();
            attachments.remove(attachment);
            served.removeIf(candidate -> candidate.function().equals(attachment.function()));
        }
    }

    private Direction directionOf(Attachment attachment) {
        for (Candidate candidate : served) {
            if (candidate.function().equals(attachment.function())) return candidate.direction();
        }
        throw new IllegalStateException("an attachment of no device that is served");
    }

    Attempt told(Candidate by) {
        return new Attempt(buffer.exporter().name(), by.function().name(), answers, failure);
    }

    /** The devices that can use it. */
    Set<Candidate> served() {
        return served;
    }

    Share share() {
        return new Share(buffer, attachments);
    }

    void giveBack() {
        share().giveBack();
    }
}
