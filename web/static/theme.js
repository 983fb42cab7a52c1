// Runs before the first paint, as a file of its own because the page's policy allows no inline script.
(function () {
  var root = document.documentElement;
  var theme = null;
  var locale = null;
  try {
    theme = localStorage.getItem('vermilion.theme');
    locale = localStorage.getItem('vermilion.locale');
  } catch (error) {
    // A browser that refuses storage still gets its system's theme.
  }
  if (theme !== 'paper' && theme !== 'ink') {
    theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'ink' : 'paper';
  }
  if (locale !== 'zh' && locale !== 'en') {
    locale = (navigator.language || 'en').toLowerCase().indexOf('zh') === 0 ? 'zh' : 'en';
  }
  root.setAttribute('data-theme', theme);
  root.lang = locale === 'zh' ? 'zh-CN' : 'en';
  var meta = document.querySelector('meta[name="theme-color"]');
  if (meta) meta.setAttribute('content', theme === 'ink' ? '#151311' : '#faf8f4');
})();
