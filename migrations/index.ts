export * from './1795232930766-CreateSchema.js';
export * from './1795246973357-AddUpstreams.js';
export * from './1795250000001-AddClientSwitches.js';
export * from './1795250000002-AddDeliveryBreakers.js';
export * from './1795250000004-AddReceiptsAndRoles.js';
export * from './1795250000005-AddLogoutOrders.js';
export * from './1795260700001-AddClaimsUpdatedAt.js';
export * from './1795260800001-RecountParticipants.js';
