/** The door of this folder: one function per page, from a view to a whole HTML document. */
export { renderApplicationsPage } from './applications.page.js';
export { renderConsentPage } from './consent.page.js';
export { renderConsoleOverview, renderConsoleOverviewPage } from './console-overview.page.js';
export { renderConsoleSignInPage } from './console-sign-in.page.js';
export { renderConsoleTimeline, renderConsoleTimelinePage } from './console-timeline.page.js';
export { deviceName } from './device-name.js';
export { renderErrorPage } from './error.page.js';
export { renderFormPostPage } from './form-post.page.js';
export { renderHeldBackPage } from './held-back.page.js';
export { renderHomePage } from './home.page.js';
export { renderLogoutConfirmationPage } from './logout-confirmation.page.js';
export { renderOnwardPage } from './onward.page.js';
export { renderSessionsPage } from './sessions.page.js';
export { renderSignInPage } from './sign-in.page.js';
export { renderSignedOutPage, renderSignedOutProgress } from './signed-out.page.js';
export { renderStillSignedInPage } from './still-signed-in.page.js';
export type * from './views.js';
