package sluice.dmacore.finding.fence;

import sluice.dmacore.fence.Fence;
import sluice.dmacore.fence.FenceFinding;
import sluice.dmacore.fence.FenceListener;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;

/**
 * Adds findings of fences to those of buffers: a fence that is late or is never signalled breaks {@link Rule#FENCE_LATE}, work
 * that did not wait breaks {@link Rule#FENCE_NOT_WAITED}. Late fences of one timeline are one finding with a count. All
 * other findings of fences are passed to another listener.
 *
 * <pre>
 * FenceOptions.DEFAULT.withListener(new FenceFindings(core.findings(), FenceListener.LOGGED))
 * </pre>
 */
public final class FenceFindings implements FenceListener {
    private final Findings findings;
    private final FenceListener others;

    /** @param others receives all other findings */
    public FenceFindings(Findings findings, FenceListener others) {
        this.findings = findings;
        this.others = others;
    }

    @Override
    public void found(FenceFinding finding) {
        switch (finding) {
            case FenceFinding.Late late -> late(late.fence(), finding);
            case FenceFinding.NeverSignalled never -> late(never.fence(), finding);
            case FenceFinding.NotWaited notWaited ->
                findings.add(Rule.FENCE_NOT_WAITED, notWaited.who(), notWaited.buffer(), 0, 0, finding.sentence());
            case FenceFinding.OutOfOrder _,FenceFinding.Demoted _,FenceFinding.NoSlot _,FenceFinding.WaitedInSection _,FenceFinding.CallbackFailed _ ->
                others.found(finding);
        }
    }

    /** The buffers of a fence are unknown here, so the timeline is reported instead. */
    private void late(Fence fence, FenceFinding finding) {
        findings.add(Rule.FENCE_LATE, "", fence.origin().timeline(), 0, 0, finding.sentence());
    }
}
