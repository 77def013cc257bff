package sluice.iommu.fault;

/**
 * What a device was doing when it accessed memory.
 *
 * @param id of the device's context or address space, as a PASID is one; 0 if there is only one
 * @param queue index of the queue, or -1
 * @param head index of the descriptor chain's head, or -1
 */
public record FaultContext(long id, int queue, int head) {
    public static final FaultContext NONE = new FaultContext(0, -1, -1);

    @Override
    public String toString() {
        return "context %d, queue %d, descriptor %d".formatted(id, queue, head);
    }
}
