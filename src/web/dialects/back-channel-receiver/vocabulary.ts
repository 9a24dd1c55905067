export const NAME = 'back-channel-receiver';
export const TAG = 'Logout: back-channel receiver';
export const PATH = '/api/v1/auth/oidc/backchannel-logout';
